"""Response curves: choices against the scale and the shift of a game's payoffs."""

import sys

import plot_propensities
import plot_response_curves
import polars as pl
import pytest
import tabulate_propensities
import tabulate_response_curves
from made_shards import shard_frame, student_rows, write_models

from tom.config.study import curve_cells, games_without_curve
from tom.core.errors import UserError
from tom.evaluation.propensities import count_replies
from tom.evaluation.response_curves import response_curves
from tom.sampling.recorded import replay

PROPENSITIES = {
    ("stag_hunt", "business"): 0.5,
    ("stag_hunt", "friendship"): 0.7,
    ("stag_hunt", "sports"): 0.9,
    ("stag_hunt-x2", "business"): 0.4,
    ("stag_hunt-x2", "friendship"): 0.5,
    ("stag_hunt-x0.5-minus4", "business"): 0.3,
    ("stag_hunt-x0.5-minus4", "friendship"): 0.4,
    ("prisoners_dilemma", "business"): 0.2,
}
"""What the base has, at a bias of .1 for what is listed first; each seed of the tuned student is .1 from it."""


def made_run() -> dict[str, dict[tuple[str, str], list[dict]]]:
    models = {"base": (0.0, 0.1), "tuned-seed1": (0.1, 0.0), "tuned-seed2": (-0.1, 0.0)}
    run = {
        model: {cell: student_rows(model, *cell, p + shift, bias) for cell, p in PROPENSITIES.items()}
        for model, (shift, bias) in models.items()
    }
    fields = {"model": "teacher", "game": "stag_hunt"}
    run["teacher"] = {
        ("stag_hunt", context): replay((60, 300), fields | {"context": context})
        for context in ("business", "friendship")
    }
    return run


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rows = [row for cells in made_run().values() for found in cells.values() for row in found]
    return response_curves(count_replies(shard_frame(rows)), 0.95)


def point(table: pl.DataFrame, role: str, scale: float, shift: float = 0.0) -> dict:
    return table.filter(role=role, scale=scale, shift=shift).row(0, named=True)


def test_a_curve_has_the_contexts_that_all_its_points_have():
    assert curve_cells(list(PROPENSITIES)) == [
        cell for cell in PROPENSITIES if cell[1] != "sports" and cell[0] != "prisoners_dilemma"
    ]
    assert curve_cells([("stag_hunt", "business"), ("stag_hunt-x2", "sports")]) == []
    # However it is written, a scale of 1 is no second point.
    assert curve_cells([("stag_hunt", "business"), ("stag_hunt-x1", "business")]) == []


def test_a_game_without_a_context_of_all_its_payoffs_is_named():
    assert games_without_curve(list(PROPENSITIES)) == []
    lost = [("snowdrift", "business"), ("snowdrift-x2", "business"), ("snowdrift-x3", "sports")]
    assert games_without_curve([*PROPENSITIES, *lost]) == ["snowdrift"]


def test_a_change_is_from_the_original_payoffs_however_they_are_written():
    cells = {("stag_hunt-x1", "business"): 0.5, ("stag_hunt-x2", "business"): 0.7}
    rows = [row for cell, p in cells.items() for row in student_rows("base", *cell, p)]
    table = response_curves(count_replies(shard_frame(rows)), 0.95)
    assert point(table, "base", 2)["change"] == pytest.approx(0.2)
    assert point(table, "base", 2)["change_low"] is None


def test_each_point_is_the_mean_of_both_orders_and_of_the_contexts(table):
    assert table["game"].unique().to_list() == ["stag_hunt"]
    for (scale, shift), mean in {(1, 0): 0.6, (2, 0): 0.45, (0.5, -4): 0.35}.items():
        for role in ("base", "tuned"):
            row = point(table, role, scale, shift)
            assert (row["contexts"], row["view"]) == (2, "both")
            assert row["rate"] == pytest.approx(mean) and row["exact"] == pytest.approx(mean)
            assert row["low"] < mean < row["high"]
    assert [point(table, role, 1)["seeds"] for role in ("teacher", "base", "tuned")] == [1, 1, 2]
    assert [point(table, role, 1)["observations"] for role in ("teacher", "base", "tuned")] == [600, 600, 1200]


def test_a_change_is_paired_by_context(table):
    # -.1 and -.2: mean -.15, deviation .0707, so Student's t with one degree of freedom: 12.706 x .05.
    row = point(table, "base", 2)
    assert row["change"] == pytest.approx(-0.15)
    assert row["change_high"] - row["change"] == pytest.approx(12.7062 * 0.05, rel=1e-4)
    assert point(table, "base", 1)["change"] is None


def test_a_teacher_is_where_it_was_asked_and_nowhere_else(table):
    assert table.filter(role="teacher").select("scale", "shift", "rate").rows() == [(1.0, 0.0, 0.2)]


def test_contexts_are_those_in_which_the_model_answered(table):
    assert point(table, "teacher", 1)["contexts"] == 2
    fields = {"model": "teacher", "game": "stag_hunt-x2", "context": "business"}
    rows = [row for cells in made_run().values() for found in cells.values() for row in found]
    more = response_curves(count_replies(shard_frame([*rows, *replay((30, 300), fields)])), 0.95)
    row = point(more, "teacher", 2)
    assert (row["contexts"], row["rate"], row["change"]) == (1, pytest.approx(0.1), None)
    assert point(more, "base", 2)["contexts"] == 2


def test_points_of_different_contexts_are_no_curve():
    cells = [("stag_hunt", "business"), ("stag_hunt-x2", "sports")]
    rows = [row for cell in cells for row in student_rows("base", *cell, 0.5)]
    with pytest.raises(UserError, match="no game at several scales or shifts"):
        response_curves(count_replies(shard_frame(rows)), 0.95)


def run(script, *arguments, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
    script.main()


@pytest.fixture
def shards(tmp_path):
    return write_models(tmp_path, made_run())


def test_the_table_is_written_and_drawn(tmp_path, monkeypatch, table, shards):
    target = tmp_path / "table.parquet"
    arguments = ["--shards", *shards, "--confidence", 0.95, "--output", target]
    run(tabulate_response_curves, *arguments, monkeypatch=monkeypatch)
    assert pl.read_parquet(target).equals(table)
    figures = [tmp_path / f"figure.{kind}" for kind in ("pdf", "png", "svg")]
    run(plot_response_curves, "--table", target, "--output", *figures, monkeypatch=monkeypatch)
    assert all(figure.stat().st_size > 5000 for figure in figures)
    shown = figures[-1].read_text()
    assert "payoffs multiplied by" in shown and "payoffs shifted by" not in shown


def test_scales_and_shifts_are_drawn_each_along_its_own_axis(table):
    shifted = table.filter(scale=2.0).with_columns(scale=1.0, shift=10.0)
    assert plot_response_curves.varied(pl.concat([table, shifted])) == ["scale", "shift"]
    with pytest.raises(UserError, match="several scales without a shift"):
        plot_response_curves.varied(table.filter(pl.col("scale") != 2))
    # Two scales, both of shifted payoffs.
    with pytest.raises(UserError, match="several scales without a shift"):
        plot_response_curves.varied(table.filter(scale=2.0).with_columns(shift=10.0))


def test_a_split_without_a_teacher_is_tabulated_and_drawn(tmp_path, monkeypatch):
    models = made_run()
    shards = write_models(tmp_path, {model: models[model] for model in ("base", "tuned-seed1")})
    target, figure = tmp_path / "table.parquet", tmp_path / "figure.svg"
    arguments = ["--split", "payoff_scales", "--shards", *shards, "--confidence", 0.95, "--output", target]
    run(tabulate_propensities, *arguments, monkeypatch=monkeypatch)
    cells = pl.read_parquet(target).filter(level="cell", view="both", split="payoff_scales")
    assert dict(
        cells.filter(model="base").select(pl.concat_list("game", "context").list.join(" "), "exact").rows()
    ) == {" ".join(cell): pytest.approx(p) for cell, p in PROPENSITIES.items()}
    arguments = ["--propensities", target, "--split", "payoff_scales", "--confidence", 0.95]
    arguments += ["--output", figure]
    run(plot_propensities, *arguments, monkeypatch=monkeypatch)
    drawn = figure.read_text()
    assert "tuned" in drawn and "teacher" not in drawn
