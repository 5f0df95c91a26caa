"""Numbers compared: distances, what is closed of them, the baselines, the paper's own, in tables and words."""

import re
import sys

import evaluate_numbers
import numpy as np
import plot_numbers
import polars as pl
import pytest
from evaluate_numbers import evaluate
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made_tables
from matplotlib.colors import to_rgba
from matplotlib.container import BarContainer
from scipy.stats import wasserstein_distance

from tom.core.errors import UserError
from tom.evaluation.number_gaps import middle_of
from tom.paper.published_choices import read_contributions
from tom.reporting.figure_style import COLOURS
from tom.reporting.findings import number_parts
from tom.reporting.summary import paper_rows
from tom.sampling.recorded import replay_contributions
from tom.sampling.shards import NUMBER_COLUMNS, write_shard
from tom.statistics.divergences import earth_movers
from tom.statistics.resampling import Uncertainty

PRECISION = Uncertainty(2000, 0.95, 1, 0.1)
CELL = {"game": "public_goods", "context": "neutral"}
RUN = {"teacher": {7: 300}, "base": {5: 150, 9: 150}, "tuned-seed1": {7: 300}, "tuned-seed2": {6: 300}}


def shard_rows(counts: dict[str, dict[int, int]], **cell) -> list[dict]:
    return [
        row for model, given in counts.items() for row in replay_contributions(given, CELL | cell | {"model": model})
    ]


def scored(rows: list[dict], model: str, shares: dict[int, float]) -> list[dict]:
    score = {"record": "score", "model": model, "option_mass": 0.25}
    return [CELL | score | {"number": n, "probability": shares.get(n, 0.0)} for n in range(11)] + rows


def frame(rows: list[dict]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in NUMBER_COLUMNS}
    return pl.DataFrame([pl.Series(name, values, NUMBER_COLUMNS[name]) for name, values in columns.items()])


@pytest.fixture(scope="module")
def published(resources):
    return resources / "paper" / "observed_contributions.csv"


def tables_of(rows: list[dict], published) -> dict[str, pl.DataFrame]:
    return evaluate(frame(rows), {"public_goods": range(11)}, published, "public_goods", PRECISION)


def test_exact_probabilities_on_both_sides_are_compared_exactly(published):
    rows = shard_rows({"teacher": {7: 3, 6: 7}, "base": {5: 4}, "tuned-seed1": {6: 4}})
    for model, shares_ in {"teacher": {7: 1.0}, "base": {5: 1.0}, "tuned-seed1": {6: 1.0}}.items():
        rows = scored(rows, model, shares_)
    gaps = tables_of(rows, published)["number_gaps"].filter(level="split", quantity="mean", predictor="tuned-seed1")
    row = gaps.row(by_predicate=pl.col("measure") == "exact", named=True)
    assert (row["teacher_answers"], row["gap"], row["gap_low"], row["gap_high"]) == ("exact", 1, 1, 1)
    assert row["gap_closed"] == row["low"] == row["high"] == pytest.approx(0.5)
    row = gaps.row(by_predicate=pl.col("measure") == "sampled", named=True)
    assert (row["teacher_answers"], row["gap"]) == ("sampled", pytest.approx(0.3))
    tables = tables_of(rows, published)
    text = told(tables)
    assert "not taught): nearer to the teacher; " in text and "training closed, %, exact;" in text
    assert "| tuned | 6.00 (0.00) | 50 (50 to 50) |" in text


def told(tables: dict[str, pl.DataFrame]) -> str:
    """The parts of the summary about the numbers, in one line."""
    parts = number_parts(tables["number_means"], tables["number_gaps"])
    return " ".join(" ".join(line for of_split in parts for part in of_split for line in part).split())


def of_split(gaps: pl.DataFrame, quantity: str, measure: str = "sampled") -> dict[str, dict]:
    rows = gaps.filter(level="split", quantity=quantity, measure=measure)
    return {row["predictor"]: row for row in rows.iter_rows(named=True)}


shares = (
    st.lists(st.integers(0, 9), min_size=11, max_size=11).filter(any).map(lambda counts: np.array(counts) / sum(counts))
)


@given(shares, shares)
def test_earth_movers_distance_is_scipys(first, second):
    amounts = np.arange(11)
    assert earth_movers(first, second) == pytest.approx(wasserstein_distance(amounts, amounts, first, second), abs=1e-9)
    assert earth_movers(np.stack([first, second]), second) == pytest.approx([earth_movers(first, second), 0])


def test_the_middle_of_evenly_many_numbers_is_two_of_them():
    assert middle_of(11).tolist() == [0] * 5 + [1] + [0] * 5
    assert middle_of(4).tolist() == [0, 0.5, 0.5, 0]


def test_without_a_teacher_there_are_numbers_and_no_gaps(published):
    tables = tables_of([row for row in shard_rows(RUN) if row["model"] != "teacher"], published)
    assert tables["number_gaps"].is_empty()
    assert dict(tables["number_means"].select("model", "mean").rows()) == {
        "base": 7,
        "tuned-seed1": 7,
        "tuned-seed2": 6,
    }
    text = told(tables)
    assert "no teacher answered." in text and "closed:" not in text
    assert "| base | 7.00 (0.12) |" in text and "| tuned | 6.50 (" in text


def test_numbers_need_not_begin_at_0(published):
    rows = shard_rows({"teacher": {2: 10}, "base": {100: 10}, "tuned-seed1": {51: 10}}, game="travellers_dilemma")
    choices = {"travellers_dilemma": range(2, 101)}
    tables = evaluate(frame(rows), choices, published, "claims", PRECISION)
    assert dict(tables["number_means"].select("model", "mean").rows()) == {"base": 100, "teacher": 2, "tuned-seed1": 51}
    gaps = of_split(tables["number_gaps"], "distribution")
    assert [gaps[name]["gap"] for name in ("base", "tuned", "middle")] == [98, 49, 49]
    drawn = tables["number_distributions"].filter(model="base")
    assert drawn["number"].to_list() == list(range(2, 101)) and drawn["count"].to_list() == [0] * 98 + [10]


def test_gaps_by_hand(published):
    gaps = tables_of(shard_rows(RUN), published)["number_gaps"]
    mean, distribution = (of_split(gaps, quantity) for quantity in ("mean", "distribution"))
    # The base's mean is the teacher's, and yet each of its replies is 2 dollars off.
    assert mean["base"]["gap"] == 0 and distribution["base"]["gap"] == 2
    assert [distribution[name]["gap"] for name in ("tuned-seed1", "tuned-seed2", "tuned")] == [0, 1, 0.5]
    assert [distribution[name]["gap_closed"] for name in ("tuned-seed1", "tuned-seed2", "tuned")] == [1, 0.5, 0.75]
    assert mean["tuned"]["gap_closed"] is None and mean["base"]["gap_closed"] is None
    assert distribution["middle"]["gap"] == 2 and distribution["middle"]["gap_closed"] == 0
    assert distribution["uniform"]["gap"] == pytest.approx((7 + 6 + 5 + 4 + 3 + 2 + 1 + 0 + 1 + 2 + 3) / 11)


def test_the_papers_own_stand_beside(published):
    gaps = tables_of(shard_rows(RUN), published)["number_gaps"]
    for quantity in ("mean", "distribution"):
        rows = of_split(gaps, quantity)
        assert rows["paper_base"]["gap"] == pytest.approx(7 - (226 * 5 + 74 * 7) / 300)
        # The paper's improvement: all its replies are 5 or 7 dollars and its teacher's are 7, so all agree.
        assert 100 * rows["paper_tuned"]["gap_closed"] == pytest.approx(28.3, abs=0.05)
        assert rows["paper_tuned"]["low"] < 0.283 < rows["paper_tuned"]["high"]


def test_a_cell_that_the_paper_lacks_has_no_paper_beside(published):
    gaps = tables_of(shard_rows(RUN, context="office"), published)["number_gaps"]
    assert gaps.height and not gaps["predictor"].str.starts_with("paper").any()


def test_intervals_follow_the_bootstrap(published):
    counts = RUN | {"tuned-seed1": {6: 150, 8: 150}, "base": {2: 100, 3: 100, 4: 100}}
    row = of_split(tables_of(shard_rows(counts), published)["number_gaps"], "mean")["base"]
    # A mean of 300 replies of variance 2/3 has a standard error of .047.
    assert row["gap_high"] - row["gap"] == pytest.approx(1.96 * (2 / 3 / 300) ** 0.5, rel=0.1)


def test_exact_probabilities_give_a_measure_of_their_own(published):
    students = {model: counts for model, counts in RUN.items() if model != "teacher"}
    rows = shard_rows({"teacher": RUN["teacher"]})
    for model, counts in students.items():
        rows += scored(shard_rows({model: counts}), model, {4: 0.5, 6: 0.5})
    tables = tables_of(rows, published)
    assert of_split(tables["number_gaps"], "distribution", "exact")["base"]["gap"] == pytest.approx(2)
    means = {row["model"]: row for row in tables["number_means"].iter_rows(named=True)}
    assert means["base"]["exact_mean"] == pytest.approx(5) and means["base"]["option_mass"] == 0.25
    assert means["teacher"]["exact_mean"] is None
    half = shard_rows({"tuned-seed2": RUN["tuned-seed2"]})
    unscored = tables_of([row for row in rows if row["model"] != "tuned-seed2"] + half, published)
    assert set(unscored["number_gaps"]["measure"]) == {"sampled"}


def test_cells_weigh_alike_in_a_split(published):
    rows = shard_rows(RUN) + shard_rows(RUN | {"base": {5: 300}}, context="office")
    gaps = tables_of(rows, published)["number_gaps"]
    assert of_split(gaps, "mean")["base"]["gap"] == 1  # 0 in one cell, 2 in the other
    by_cell = gaps.filter(level="cell", quantity="mean", predictor="base", measure="sampled")
    assert dict(by_cell.select("context", "gap").rows()) == {"neutral": 0, "office": 2}


def test_means_and_distributions_are_counted(published):
    tables = tables_of(shard_rows(RUN | {"base": {5: 226, 7: 74}}), published)
    row = tables["number_means"].filter(model="base").row(0, named=True)
    replies = np.repeat([5, 7], [226, 74])
    assert row["mean"] == pytest.approx(replies.mean()) and row["sd"] == pytest.approx(replies.std(ddof=1))
    assert row["standard_error"] == pytest.approx(replies.std(ddof=1) / 300**0.5)
    given = tables["number_distributions"].filter(model="base")
    assert given["number"].to_list() == list(range(11))
    assert given["count"].sum() == 300 and given["share"].sum() == pytest.approx(1)


def test_unreadable_replies_count_in_no_mean(published):
    rows = shard_rows(RUN)
    mute = {"record": "observation", "model": "base", "outcome": "refused", "number": None}
    tables = tables_of([*rows, *([CELL | mute] * 100)], published)
    row = tables["number_means"].filter(model="base").row(0, named=True)
    assert (row["observations"], row["invalid"], row["refused"], row["mean"]) == (400, 100, 100, 7)


def test_a_model_without_a_readable_reply_is_not_compared(published):
    rows = [row for row in shard_rows(RUN) if row["model"] != "base"]
    mute = {"record": "observation", "model": "base", "outcome": "empty", "number": None}
    tables = tables_of([*rows, CELL | mute], published)
    assert tables["number_gaps"].height == 0
    assert tables["number_means"].filter(model="base")["mean"].to_list() == [None]
    text = told(tables)
    assert "| base | - | - |" in text and ": not compared, since" in text


def test_the_error_of_a_single_reply_is_unknown(published):
    tables = tables_of(shard_rows(RUN | {"base": {5: 1}}), published)
    assert "| base | 5.00 (unknown) |" in told(tables)


def test_every_model_needs_every_cell(published):
    rows = shard_rows(RUN) + shard_rows({"teacher": {7: 1}}, context="office")
    with pytest.raises(UserError, match="public_goods in office has shards of only one of teacher and base"):
        tables_of(rows, published)


def test_the_words_hold_the_figures(published):
    tables = tables_of(shard_rows(RUN | {"base": {5: 300}}), published)
    text = told(tables)
    assert "- Public goods (not taught): nearer to the teacher; " in text
    assert "| teacher | 7.00 (0.00) | - | - |" in text and "| base | 5.00 (0.00) | - | - |" in text
    assert re.search(r"\| tuned \| 6\.50 \(0\.\d\d\) \| 75 \(75 to 75\) \| 75 \(75 to 75\) \|", text)
    assert "| the middle number | - | 0 | 0 |" in text and "| the paper's student | - | 28 | 28 |" in text


def test_the_published_replies_are_those_of_the_table(published):
    assert {model: len(replies) for model, replies in read_contributions(published).items()} == {
        "teacher": 300, "base": 300, "tuned": 300,
    }  # fmt: skip


def test_the_figure_shows_means_with_errors_and_every_group(published, tmp_path):
    from tom.reporting.figure_style import save_figure, use_style

    tables = tables_of(shard_rows(RUN) + shard_rows(RUN, context="office"), published)
    use_style()
    shown = plot_numbers.with_paper(tables["number_distributions"], published)
    assert shown["group"].unique(maintain_order=True).to_list() == [
        "Neutral, this run",
        "Office, this run",
        "Neutral, the paper (Llama-2-7b)",
    ]
    named = {"public_goods": "dollars given"}
    figure = plot_numbers.plot_numbers(shown, named, 0.95)
    means, *distributions = figure.axes
    bars = [found for found in means.containers if isinstance(found, BarContainer)]
    heights = [round(bar.get_height(), 2) for found in bars for bar in found]
    assert heights == [7, 7, 7, 7, 7, 6.5, 6.5, 5.49, 5.92]  # by role, in each the groups
    titles = [axes.get_title("left").partition("$  ")[2] for axes in distributions]
    assert titles == shown["group"].unique(maintain_order=True).to_list()
    assert means.get_ylabel() == "dollars given, mean"
    assert {axes.get_xlabel() for axes in distributions} == {"dollars given"}
    # The teacher's bar is centred on its number, and those of the two students touch there; no line joins numbers.
    teacher, base, tuned = distributions[0].containers
    assert [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in teacher] == [(pytest.approx(7), 1)]
    assert [bar.get_x() + bar.get_width() for bar in base] == pytest.approx([5, 9])
    assert [bar.get_x() for bar in tuned] == pytest.approx([6, 7])
    assert not distributions[0].lines
    # The paper's students are other models than this run's, and look otherwise. Its base is hatched.
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["teacher", "our base", "our tuned", "paper's base", "paper's tuned"]
    looks = [
        [(axes.containers[place][0].get_facecolor(), axes.containers[place][0].get_hatch()) for place in range(3)]
        for axes in (distributions[0], distributions[-1])
    ]
    teachers = (to_rgba(COLOURS["teacher"]), None)
    assert looks[0] == [teachers, (to_rgba(COLOURS["base"]), None), (to_rgba(COLOURS["tuned"]), None)]
    assert looks[1] == [teachers, (to_rgba("white"), "//////"), (to_rgba(COLOURS["paper"]), None)]
    assert len({*looks[0], *looks[1]}) == 5
    files = [tmp_path / f"figure.{kind}" for kind in ("pdf", "png", "svg")]
    save_figure(figure, files)
    first = [file.read_bytes() for file in files]
    save_figure(plot_numbers.plot_numbers(shown, named, 0.95), files)
    assert [file.read_bytes() for file in files] == first


def test_the_figure_says_whose_distributions_are_exact(published):
    tables = tables_of(shard_rows(RUN), published)
    table = tables["number_distributions"]
    known = table.with_columns(exact=pl.when(pl.col("model") == "base").then("share"))
    none = plot_numbers.with_paper(table.with_columns(exact=pl.lit(None, pl.Float64)), published)
    assert "exact" not in plot_numbers.note_of(none, 0.95)
    note = plot_numbers.note_of(plot_numbers.with_paper(known, published), 0.95)
    assert "Distributions: exact probabilities (our base); shares of " in note
    assert note.endswith(" replies (teacher, our tuned, paper's base, paper's tuned).")
    # Two groups' means stand beside their distributions, in less width than these.
    figure = plot_numbers.plot_numbers(plot_numbers.with_paper(known, published), {"public_goods": "dollars"}, 0.95)
    figure.draw_without_rendering()
    means, *distributions = (axes.get_position() for axes in figure.axes)
    assert all(means.width < each.width and means.y0 == pytest.approx(each.y0) for each in distributions)


def test_means_have_the_intervals_of_the_table(published):
    tables = tables_of(shard_rows({name: RUN[name] for name in ("teacher", "base", "tuned-seed1")}), published)
    shown = plot_numbers.with_paper(tables["number_distributions"], published)
    assert shown["group"].unique(maintain_order=True).to_list() == ["This run", "The paper (Llama-2-7b)"]
    drawn = plot_numbers.means_of(shown, 0.95).filter(group="This run")
    found = {row["role"]: (row["mean"] - row["half"], row["mean"] + row["half"]) for row in drawn.to_dicts()}
    expected = {row["model"].partition("-")[0]: (row["low"], row["high"]) for row in tables["number_means"].to_dicts()}
    assert found == {role: pytest.approx(ends) for role, ends in expected.items()}
    assert found["base"][0] < 6.9


def test_every_game_of_numbers_says_what_its_number_is(resources):
    files = sorted((resources / "games").glob("*.yaml"))
    games = {file.stem: file for file in files if "kind: number" in file.read_text()}
    named = plot_numbers.named_in(files, ["public_goods-x2", *games])
    assert named["public_goods-x2"] == named["dictator"] == "dollars given"
    assert named["trust_returning"] == "dollars returned" and named["beauty_contest"] == "number chosen"
    assert named.keys() == {"public_goods-x2", *games}


def test_the_script_writes_the_same_tables_again(published, resources, tmp_path, monkeypatch):
    shards = []
    for model, counts in RUN.items():
        shards.append(tmp_path / f"{model}.parquet")
        write_shard(shards[-1], shard_rows({model: counts}), NUMBER_COLUMNS)
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        arguments = ["--split", "public_goods", "--shards", *shards, "--published", published, "--bootstrap", 100]
        arguments += ["--game-files", resources / "games" / "public_goods.yaml", "--confidence", 0.95]
        arguments += ["--margin", 0.1, "--seed", 1]
        for table in evaluate_numbers.TABLES:
            arguments += [f"--{table.replace('_', '-')}", folder / f"{table}.parquet"]
        monkeypatch.setattr(sys, "argv", list(map(str, ["evaluate_numbers.py", *arguments])))
        evaluate_numbers.main()
        written.append({file.name: file.read_bytes() for file in sorted(folder.iterdir())})
    assert written[0] == written[1] and len(written[0]) == 9


def test_the_papers_figure_has_this_runs_beside_it(published, resources):
    gaps = tables_of(shard_rows(RUN | {"base": {5: 300}}), published)["number_gaps"]
    rows = paper_rows(
        made_tables(resources)["alignment"], resources / "paper" / "observed_choices.csv", published, gaps
    )
    *_, (split, *found) = rows
    assert split == "Public goods"
    # The paper's base is 1.51 dollars from its teacher's 7, and all numbers equally likely are 2.
    assert found == ["28", "75", "28 (20 to 37)", "-33", "75 (75 to 75)"]
