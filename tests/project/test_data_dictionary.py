"""Each table that the project reads or writes has the columns that are registered for it, with their types."""

import sys
from pathlib import Path

import evaluate_numbers
import polars as pl
import pytest
import recompute_paper
import yaml
from made_shards import label_scores, shard_frame, small_run, student_rows
from made_tables import PRECISION, made_tables
from precision_drift import drift
from tabulate_prompt_formats import compare

from tom.config.studies import COMPARISONS
from tom.core.frames import frame_of, table_schema
from tom.core.table_columns import describe_columns, read_registry
from tom.evaluation.breadth import breadth_table
from tom.evaluation.collateral import collateral
from tom.evaluation.game_table import game_table
from tom.evaluation.label_bias import label_bias
from tom.evaluation.learning_curve import learning_curve, read_timings
from tom.evaluation.number_game_table import number_game_table
from tom.evaluation.propensities import count_replies
from tom.evaluation.rates import group_replies, order_rates
from tom.evaluation.response_curves import response_curves
from tom.evaluation.split_tables import with_split
from tom.evaluation.students_table import Comparison, students_table
from tom.evaluation.transfer_matrix import transfer_matrix
from tom.games.game import load_game
from tom.games.kinds import load_number_game
from tom.games.names import file_stem
from tom.planning.forecast import COLUMNS as PLAN_COLUMNS
from tom.prompts.probes import KINDS
from tom.prompts.variants import LABELS
from tom.sampling.recorded import replay_contributions
from tom.sampling.shards import COLUMNS, NUMBER_COLUMNS

GAMES = Path(__file__).parents[2] / "resources" / "games"


@pytest.fixture(scope="module")
def dictionary():
    return {table: describe_columns(table) for table in read_registry()["tables"]}


@pytest.fixture(scope="module")
def written(resources, tmp_path_factory):
    """Every table of the page on the paper, as written."""
    folder = tmp_path_factory.mktemp("paper")
    paper = resources / "paper"
    arguments = ["--published", paper / "observed_choices.csv", "--contributions", paper / "observed_contributions.csv"]
    arguments += ["--stated", paper / "stated_figures.csv", "--bootstrap", 100, "--confidence", 0.95, "--margin", 0.1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", list(map(str, ["recompute_paper.py", *arguments, "--seed", 1, "--output", folder])))
        recompute_paper.main()
    return folder


def described(frame: pl.DataFrame, columns: dict) -> None:
    """The frame has exactly the columns that are described, in their order and of their types."""
    found = {name: "Enum" if isinstance(dtype, pl.Enum) else str(dtype) for name, dtype in frame.schema.items()}
    assert list(found) == list(columns)
    assert found == {name: entry[0] for name, entry in columns.items()}


def test_every_entry_has_a_type_a_unit_and_a_meaning(dictionary):
    for columns in dictionary.values():
        for entry in columns.values():
            assert len(entry) == 3 and all(isinstance(part, str) for part in entry), entry
            assert entry[0] and entry[2], entry


def test_the_tables_of_a_run_are_described(dictionary, resources):
    tables = made_tables(resources)
    assert set(tables) <= set(dictionary)
    for name, table in tables.items():
        described(table, dictionary[name])


def test_the_tables_of_the_paper_are_described(dictionary, written):
    files = sorted(written.glob("*.parquet"))
    names = {file.stem for file in files}
    assert {file.stem for file in written.glob("*.csv")} == {file.stem for file in written.glob("*.tex")} == names
    for file in files:
        described(pl.read_parquet(file), dictionary[file.stem])
        assert pl.read_csv(file.with_suffix(".csv")).columns == pl.read_parquet(file).columns


def made_breadth(untuned: pl.DataFrame, tuned: pl.DataFrame) -> pl.DataFrame:
    """The table of breadth of a made run, in which students have exact propensities in both mappings."""
    teacher, base = (untuned.filter(model=model) for model in ("teacher", "base"))
    games = {name: load_game(GAMES / f"{file_stem(name)}.yaml", name) for name in teacher["game"].unique()}
    return breadth_table(teacher, base, {1: tuned}, teacher, games, {"letters": LABELS}, "in_sample", PRECISION)


def test_tables_of_studies_are_described(dictionary, root, tmp_path):
    run = small_run()
    untuned, tuned = (shard_frame(rows_of(run, names)) for names in (("teacher", "base"), ("tuned-seed1",)))

    def table_of(study):
        comparison = Comparison(study.comparison.by, study.comparison.leads, study.comparison.whole)
        groups = dict.fromkeys(study.students(config), tuned)
        return students_table(untuned, groups, untuned, "in_sample", PRECISION, comparison)

    config = yaml.safe_load((root / "config/config.yaml").read_text())
    for study in COMPARISONS.values():
        if not study.comparison.timings:
            described(table_of(study), dictionary[study.tables[0].name])
    (tmp_path / "seed1.tsv").write_text("s\tcpu_time\n3\t4\n")
    study = COMPARISONS["observations"]
    timings = read_timings({name: [tmp_path / "seed1.tsv"] for name in study.students(config)}, 0)
    curve = learning_curve(table_of(study), untuned, timings)
    described(curve, dictionary["learning_curve"])
    described(response_curves(count_replies(rescaled_run()), 0.95), dictionary["response_curves"])
    described(transfer_matrix(untuned, {"nothing": tuned}, PRECISION), dictionary["transfer_matrix"])
    described(made_breadth(untuned, tuned), dictionary["breadth"])
    probes = pl.DataFrame(
        [
            {"model": model, "kind": kind, "probe": str(number), "value": number / 5, "right": True}
            for model in ("base", "tuned-seed1")
            for kind in KINDS
            for number in range(3)
        ],
        schema=table_schema("probes"),
    )
    described(probes, dictionary["probes"])
    described(collateral(probes, 0.95), dictionary["collateral"])
    scores = label_scores({"base": 0.2, "tuned-seed1": 0.4})
    described(scores, dictionary["label_scores"])
    described(label_bias(scores, untuned, PRECISION), dictionary["labels"])
    described(drift(tuned, {"bfloat16": tuned}), dictionary["precision_drift"])
    described(
        compare(untuned.filter(model="teacher").with_columns(prompt_format=pl.lit("choice")), 0.95),
        dictionary["prompt_formats"],
    )


def test_tables_of_the_page_are_described(dictionary):
    shards = shard_frame(rows_of(small_run(), ("teacher", "base")))
    described(with_split(order_rates(shards, 0.95), "in_sample"), dictionary["rates"])
    described(with_split(group_replies(shards), "in_sample"), dictionary["replies"])


def rescaled_run() -> pl.DataFrame:
    """A student at a game's payoffs and at their double."""
    rows = [student_rows("base", game, "business", 0.5) for game in ("stag_hunt", "stag_hunt-x2")]
    return shard_frame([row for part in rows for row in part])


def rows_of(run: dict, models: tuple[str, ...]) -> list[dict]:
    return [row for model in models for rows in run[model].values() for row in rows]


def test_shards_and_plans_are_described(dictionary):
    described(pl.DataFrame(schema=COLUMNS), dictionary["shards"])
    described(pl.DataFrame(schema=NUMBER_COLUMNS), dictionary["number_shards"])
    described(pl.DataFrame(schema=PLAN_COLUMNS), dictionary["plan"])


def test_the_table_of_games_is_described(dictionary, resources):
    games = [load_game(resources / "games" / f"{name}.yaml", name) for name in ("prisoners_dilemma", "stag_hunt")]
    described(game_table(games, made_tables(resources)["propensities"]), dictionary["games"])


def test_tables_of_contributions_are_described(dictionary, resources):
    models = ("teacher", "base", "tuned-seed1")
    fields = {"game": "public_goods", "context": "neutral"}
    rows = [row for model in models for row in replay_contributions({7: 30}, fields | {"model": model})]
    shards = pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], NUMBER_COLUMNS[name]) for name in NUMBER_COLUMNS]
    )
    published = resources / "paper" / "observed_contributions.csv"
    for name, table in evaluate_numbers.evaluate(
        shards, {"public_goods": range(11)}, published, "goods", PRECISION
    ).items():
        described(table, dictionary[name])


def test_the_table_of_games_with_numbers_is_described(dictionary, resources):
    game = load_number_game(resources / "games" / "dictator.yaml", "dictator")
    rows = [{"split": "giving", "game": "dictator", "model": "base", "mean": 2.0}]
    means = frame_of(rows, table_schema("number_means"))
    described(number_game_table([game], means), dictionary["number_games"])


@pytest.mark.parametrize("name", ["observed_choices", "observed_contributions", "stated_figures"])
def test_resources_are_described(dictionary, resources, name):
    described(pl.read_csv(resources / "paper" / f"{name}.csv"), dictionary[name])
