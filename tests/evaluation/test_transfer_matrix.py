"""The transfer matrix: gaps closed on each part of the cells, by what was left out."""

import sys

import plot_transfer_matrix
import polars as pl
import pytest
import tabulate_transfer_matrix
from made_shards import CONTEXTS, GAMES, shard_frame, small_run, student_rows, write_models

from tom.evaluation.transfer_matrix import ALL, NOTHING, transfer_matrix
from tom.reporting.figure_style import number_of, use_style
from tom.statistics.resampling import Uncertainty

PRECISION = Uncertainty(200, 0.95, 1, 0.1)
TARGETS = dict(zip(CONTEXTS, (0.2, 0.6), strict=True))


def student(unseen: str | None, name: str = "tuned-seed1") -> dict:
    """A student that is its teacher, but off by .3 in the context that it was not taught; the base is off by .4."""
    return {
        (game, context): student_rows(name, game, context, TARGETS[context] + 0.3 * (context == unseen), 0.0)
        for game in GAMES
        for context in CONTEXTS
    }


def frame(*models: dict) -> pl.DataFrame:
    return shard_frame([row for cells in models for rows in cells.values() for row in rows])


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    run = small_run()
    tuned = {NOTHING: frame(student(None))}
    tuned |= {f"context-{context}": frame(student(context), student(context, "tuned-seed2")) for context in CONTEXTS}
    return transfer_matrix(frame(run["teacher"], run["base"]), tuned, PRECISION)


def test_a_student_is_measured_on_every_part_of_the_cells(table):
    parts = [ALL, *(f"context-{context}" for context in sorted(CONTEXTS)), *(f"game-{game}" for game in sorted(GAMES))]
    assert set(table["measured_on"]) == set(parts)
    assert table.height == 3 * len(parts)
    assert table.select("view", "measure").unique().rows() == [("both", "exact")]


def test_what_was_left_out_is_marked_and_worse(table):
    for context in CONTEXTS:
        fold = f"context-{context}"
        row = table.row(by_predicate=(pl.col("left_out") == fold) & (pl.col("measured_on") == fold), named=True)
        assert row["unseen"]
        assert row["gap"] == pytest.approx(0.3, abs=0.02)
        assert row["low"] <= row["gap_closed"] <= row["high"] < 0.9
        seen = table.filter(pl.col("left_out") == fold, ~pl.col("unseen"), pl.col("measured_on").str.starts_with("con"))
        assert seen["gap"].item() == pytest.approx(0, abs=0.02)
    assert table["unseen"].sum() == 2


def test_a_part_is_the_mean_of_its_cells(table):
    for (_,), rows in table.group_by("left_out"):
        gaps = dict(rows.select("measured_on", "gap").iter_rows())
        by_context = [gaps[f"context-{context}"] for context in CONTEXTS]
        assert gaps[ALL] == pytest.approx(sum(by_context) / 2)


def test_chance_is_led_where_the_student_is_nearer(table):
    rows = table.filter(left_out=NOTHING, measured_on=ALL)
    assert rows["chance_low"].item() > 0
    assert dict(table.select("left_out", "seeds").iter_rows())[f"context-{CONTEXTS[0]}"] == 2


def test_the_scripts_write_the_same_table_twice_and_draw_it(tmp_path, monkeypatch):
    run = small_run()
    untuned = write_models(tmp_path / "untuned", {name: run[name] for name in ("teacher", "base")})
    seen = write_models(tmp_path / "seen", {"tuned-seed1": student(None)})
    unseen = write_models(tmp_path / "unseen", {"tuned-seed1": student(CONTEXTS[0])})
    written = []
    for name in ("first", "second"):
        target = tmp_path / name / "transfer_matrix.parquet"
        command = ["tabulate_transfer_matrix.py", "--untuned", *untuned, "--students", NOTHING, *seen]
        command += ["--students", f"context-{CONTEXTS[0]}", *unseen, "--bootstrap", 100, "--confidence", 0.95]
        command += ["--margin", 0.1, "--seed", 1, "--output", target]
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        tabulate_transfer_matrix.main()
        written.append(target.read_bytes())
    assert written[0] == written[1]
    figure = tmp_path / "matrix.png"
    monkeypatch.setattr(sys, "argv", list(map(str, ["plot.py", "--table", target, "--output", figure])))
    plot_transfer_matrix.main()
    assert figure.stat().st_size > 5000
    assert target.with_suffix(".tex").is_file()


def test_the_figure_explains_its_signs(table):
    use_style()
    figure = plot_transfer_matrix.plot_transfer_matrix(table)
    note = " ".join(figure.get_supxlabel().split())
    assert note.startswith("* ahead of chance: the 95% bootstrap interval of the lead lies above 0.")
    assert "Boxed: the part that was left out of the training. Row 'Nothing': trained on all." in note
    cells = table.filter(measured_on=ALL)["cells"][0]
    assert f"n = {cells} cells, {number_of(table.filter(pl.col('measured_on') != ALL)['cells'])} in each" in note
    assert note.endswith("training seeds.")
    told = table.filter(pl.col("left_out") != NOTHING).with_columns(pl.col("confidence").fill_null(0.95))
    assert "Nothing" not in plot_transfer_matrix.note_of(told)


@pytest.mark.parametrize(
    ("values", "arrows"), [([-1.2, 0.5], "min"), ([-1, 1], "neither"), ([1.3, 0], "max"), ([-2, 2], "both")]
)
def test_the_colour_bar_has_arrows_where_values_lie_beyond_it(table, values, arrows):
    use_style()
    first, second = table["left_out"].unique(maintain_order=True)[:2]
    shown = table.filter(pl.col("left_out").is_in([first, second]), measured_on=ALL)
    shown = shown.with_columns(gap_closed=pl.Series(values, dtype=pl.Float64))
    matrix, bar = plot_transfer_matrix.plot_transfer_matrix(shown).axes
    assert bar._colorbar.extend == arrows
    # A minus is a minus sign, not a hyphen.
    assert not any("-" in text.get_text() for text in matrix.texts)
    assert any(text.get_text().startswith("\N{MINUS SIGN}") for text in matrix.texts) == (values[0] < 0)


def test_a_cell_is_a_whole_percent_with_its_star():
    texts = [plot_transfer_matrix.text_of(*cell) for cell in ((71.4, True), (-112.0, False), (-0.3, False))]
    assert texts == ["71*", "\N{MINUS SIGN}112", "0"]
    assert plot_transfer_matrix.text_of(float("nan"), True) == ""
