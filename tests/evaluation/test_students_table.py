"""Tables of students by what they were taught: over the same cells, and who leads whom."""

import sys

import plot_learning_curve
import plot_students
import polars as pl
import pytest
import tabulate_students
from made_shards import CONTEXTS, GAMES, shard_frame, small_run, student_rows, write_models

from tom.config.studies import COMPARISONS
from tom.core.errors import UserError
from tom.core.frames import table_schema
from tom.evaluation.aligned_counts import align_counts
from tom.evaluation.alignment_table import Uncertainty, align
from tom.evaluation.learning_curve import read_timings
from tom.evaluation.propensities import count_replies
from tom.evaluation.students_table import Comparison, students_table
from tom.reporting.figure_style import BASELINES
from tom.training.recipe import TARGETS

PRECISION = Uncertainty(200, 0.95, 1, 0.1)


def comparison(by: str) -> Comparison:
    """How a study of the workflow compares its students."""
    found = COMPARISONS[by].comparison
    return Comparison(found.by, found.leads, found.whole)


SUPERVISION = comparison("target")
LEADS = SUPERVISION.columns()
# An error of its own for each target, whichever there are.
ERRORS = dict.fromkeys(TARGETS, 0.1) | {"label": 0.2, "full_reply": 0.0, "shuffled_motivation": 0.3}
"""How far each target's student is off the teacher in every cell; the base is off by .6 and .2."""


def student(error: float, names=("tuned-seed1",)) -> dict:
    targets = dict(zip(CONTEXTS, (0.2, 0.6), strict=True))
    return {
        name: {
            (game, context): student_rows(name, game, context, targets[context] + error, 0.02)
            for game in GAMES
            for context in CONTEXTS
        }
        for name in names
    }


def frame(models: dict) -> pl.DataFrame:
    return shard_frame([row for cells in models.values() for rows in cells.values() for row in rows])


@pytest.fixture(scope="module")
def untuned() -> dict:
    run = small_run()
    return {name: run[name] for name in ("teacher", "base")}


@pytest.fixture(scope="module")
def table(untuned) -> pl.DataFrame:
    tuned = {name: frame(student(error)) for name, error in ERRORS.items()}
    return students_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION, SUPERVISION)


def test_each_target_closes_what_its_students_close(table):
    found = table.filter(predictor="tuned", view="both", measure="exact")
    closed = dict(found.select("target", "gap_closed").iter_rows())
    for target, error in ERRORS.items():
        assert closed[target] == pytest.approx(1 - error / 0.4)


def test_leads_are_differences_of_what_is_closed_and_none_over_itself(table):
    for row in table.filter(predictor="tuned").iter_rows(named=True):
        same = table.filter(predictor="tuned", view=row["view"], measure=row["measure"])
        for other in ("label", "shuffled_motivation"):
            lead, low, high = (row[f"{other}_{column}"] for column in ("lead", "low", "high"))
            if other == row["target"]:
                assert (lead, low, high) == (None, None, None)
                continue
            assert lead == pytest.approx(row["gap_closed"] - same.filter(target=other)["gap_closed"].item())
            assert low <= lead <= high
            assert (low > 0) == (ERRORS[row["target"]] < ERRORS[other])


def test_baselines_stand_once_and_without_a_target(table):
    baselines = table.filter(~pl.col("predictor").str.starts_with("tuned"))
    assert baselines["target"].null_count() == baselines.height
    assert not baselines.select("view", "measure", "predictor").is_duplicated().any()
    assert baselines.select(LEADS).null_count().row(0) == (baselines.height,) * len(LEADS)
    assert table.columns == ["target", *table_schema("alignment"), *LEADS]


def test_rows_are_those_of_the_alignment_table(table, untuned):
    counts = count_replies(frame(untuned | student(ERRORS["label"])))
    part = align_counts(counts, ["tuned-seed1"], "both", "exact")
    rows = {row["predictor"]: row for row in align(part, part, PRECISION, "in_sample", "both", "exact")}
    (found,) = table.filter(target="label", predictor="tuned", view="both", measure="exact").iter_rows(named=True)
    for name, value in rows["tuned"].items():
        assert found[name] == value or value != value or value is None, name


def test_a_cell_that_one_student_left_unreadable_counts_for_none(untuned):
    tuned = {name: frame(student(error)) for name, error in ERRORS.items()}
    broken = (pl.col("game") == GAMES[0]) & (pl.col("context") == CONTEXTS[0]) & (pl.col("record") == "observation")
    tuned["full_reply"] = tuned["full_reply"].with_columns(action=pl.when(~broken).then("action"))
    found = students_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION, SUPERVISION)
    sampled = found.filter(measure="sampled")
    assert set(sampled["cells"]) == {3} and set(sampled["cells_unreadable"]) == {1}


def run(monkeypatch, script, *words) -> None:
    monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, words)])
    script.main()


def written_flags(untuned, tmp_path, errors: dict[str, float]) -> list:
    """Shards of two seeds for each group of students, and the flags that name them."""
    files = write_models(tmp_path / "untuned", untuned)
    words = ["--split", "in_sample", "--untuned", *files, "--reference-shards", *files]
    for name, error in errors.items():
        shards = write_models(tmp_path / name, student(error, ("tuned-seed1", "tuned-seed2")))
        words += ["--students", name, *shards]
    return [*words, "--bootstrap", 200, "--confidence", 0.95, "--margin", 0.1, "--seed", 1]


def plotted(monkeypatch, tmp_path, script, *words) -> None:
    outputs = [tmp_path / f"figure.{kind}" for kind in ("pdf", "png")]
    run(monkeypatch, script, *words, "--output", *outputs)
    assert outputs[0].read_bytes().startswith(b"%PDF")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")


CONTROLS = {"as_is": 0.0, "shuffled": 0.3, "constant": 0.2}
CURVE = {"10": 0.2, "30": 0.1, "all": 0.0}


def compared_flags(by: str) -> list:
    """The flags of a study's comparison, as the rules give them."""
    found = COMPARISONS[by].comparison
    words = [word for prefix, group in found.leads.items() for word in ("--lead", prefix, group)]
    return ["--by", by, *words, *(["--whole", found.whole] if found.whole else [])]


def line_flags(by: str) -> list:
    found = COMPARISONS[by].comparison
    lines = [word for group, label in found.labels.items() for word in ("--line", group, label)]
    return ["--by", by, *lines, "--baselines", *found.baselines]


@pytest.mark.parametrize(("by", "errors"), [("target", ERRORS), ("teacher", CONTROLS)])
def test_the_scripts_write_table_and_figure(untuned, tmp_path, monkeypatch, by, errors):
    table = tmp_path / "t.parquet"
    words = [*compared_flags(by), *written_flags(untuned, tmp_path, errors)]
    run(monkeypatch, tabulate_students, *words, "--output", table)
    assert set(pl.read_parquet(table).columns) > set(comparison(by).columns())
    assert set(pl.read_parquet(table).filter(predictor="tuned")["seeds"]) == {2}
    assert (tmp_path / "t.csv").exists()
    plotted(monkeypatch, tmp_path, plot_students, *line_flags(by), "--tables", table)


def test_a_group_that_is_compared_with_has_students(untuned, tmp_path, monkeypatch, capsys):
    words = ["--by", "teacher", "--whole", "as_is", *written_flags(untuned, tmp_path, {"constant": 0.2})]
    monkeypatch.setattr(sys, "argv", ["tabulate_students", *map(str, words), "--output", str(tmp_path / "t.parquet")])
    with pytest.raises(UserError, match=r"no shards of the group 'as_is' \(allowed: constant\)"):
        tabulate_students.main()


def test_the_figure_has_a_line_for_each_group_and_baseline(table):
    study = COMPARISONS["target"].comparison
    rows = plot_students.rows_of(table, "target", study.labels, study.baselines)
    labels = [*study.labels.values(), *(BASELINES[name].label for name in study.baselines)]
    assert sorted(rows["line"]) == sorted(labels)
    assert set(rows["view"]) == {"both"} and set(rows["measure"]) == {"exact"}


@pytest.fixture(scope="module")
def controls(untuned) -> pl.DataFrame:
    tuned = {name: frame(student(error)) for name, error in CONTROLS.items()}
    found = students_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION, comparison("teacher"))
    return found.filter(view="both")


def test_controls_are_set_beside_the_baselines_of_the_same_name(controls):
    study = COMPARISONS["teacher"].comparison
    rows = plot_students.rows_of(controls, "teacher", study.labels, study.baselines)
    closed = dict(rows.select("line", "gap_closed").rows())
    # The base is off by .6 and .2, a control by .2; the constant in between the teacher's .2 and .6 as well.
    assert closed[study.labels["constant"]] == pytest.approx(0.5)
    assert closed[BASELINES["constant"].label] == pytest.approx(0.5)
    assert len(closed) == len(study.labels) + len(study.baselines)


def test_a_control_has_its_share_of_what_the_teacher_itself_gives(controls):
    tuned = controls.filter(predictor="tuned", measure="exact")
    shares = {row["teacher"]: (row["share"], row["share_low"], row["share_high"]) for row in tuned.to_dicts()}
    assert shares["as_is"] == (1, 1, 1)
    for name, error in CONTROLS.items():
        share, low, high = shares[name]
        assert share == pytest.approx(1 - error / 0.4)
        assert low <= share <= high
    led = dict(tuned.select("teacher", "constant_teacher_lead").rows())
    assert led == {"as_is": pytest.approx(0.5), "shuffled": pytest.approx(-0.25), "constant": None}


def test_nothing_is_a_share_of_what_was_not_closed(untuned):
    same = frame({"base": untuned["base"]}).with_columns(model=pl.lit("tuned-seed1"))
    tuned = {"as_is": same, "shuffled": frame(student(0.2)), "constant": frame(student(0.1))}
    found = students_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION, comparison("teacher"))
    assert found.filter(view="both")["share"].null_count() == found.filter(view="both").height


BENCHMARK = "s\th:m:s\tmax_rss\tcpu_time\n{wall}\t0:00:09\t100.0\t{cpu}\n"


def test_the_learning_curve_has_observations_as_numbers_and_seconds(untuned, tmp_path, monkeypatch):
    words, table = written_flags(untuned, tmp_path, CURVE), tmp_path / "t.parquet"
    for number, name in enumerate(CURVE, start=1):
        files = [tmp_path / f"{name}-seed{seed}.tsv" for seed in (1, 2)]
        for seed, file in enumerate(files, start=1):
            file.write_text(BENCHMARK.format(wall=10.0 * number, cpu="NA" if name == "10" else 10 * number + seed))
        words += ["--timings", name, *files]
    run(monkeypatch, tabulate_students, *compared_flags("observations"), *words, "--gpus", 2, "--output", table)
    found = pl.read_parquet(table).filter(view="both", measure="exact")
    means = found.filter(predictor="tuned")
    assert means.select("observations", "cpu_seconds", "wall_seconds", "gpu_seconds").rows() == [
        (10, None, 10.0, 20.0),
        (30, 21.5, 20.0, 40.0),
        (300, 31.5, 30.0, 60.0),
    ]
    assert means["share"].to_list() == pytest.approx([0.5, 0.75, 1])
    assert found.filter(predictor="tuned-seed2")["cpu_seconds"].to_list() == [None, 22.0, 32.0]
    assert found.filter(predictor="chance").select("observations", "cpu_seconds").rows() == [(None, None)]
    plotted(monkeypatch, tmp_path, plot_learning_curve, "--table", table)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("seed1.tsv", None, "not the benchmark file of a training"),
        ("seed1.tsv", "a\tb\n1\t2\n", "not the benchmark file of a training"),
        ("all.tsv", "s\tcpu_time\n1\t2\n", "not named as the benchmark file of a training"),
    ],
)
def test_bad_timings_are_named(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"{name}: {message}"):
        read_timings({"all": [tmp_path / name]}, 0)


def test_seconds_are_the_cpus_without_a_gpu(tmp_path):
    (tmp_path / "seed1.tsv").write_text("s\tcpu_time\n3\t4\n")
    assert read_timings({"all": [tmp_path / "seed1.tsv"]}, 0).rows() == [
        ("all", "tuned-seed1", 4.0, 3.0, None),
        ("all", "tuned", 4.0, 3.0, None),
    ]
