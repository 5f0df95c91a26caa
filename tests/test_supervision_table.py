"""The supervision table: each supervision's students, over the same cells, and who leads whom."""

import sys

import plot_supervision
import polars as pl
import pytest
import tabulate_supervision
from made_shards import CONTEXTS, GAMES, shard_frame, small_run, student_rows, write_models

from tom.measuring.alignment_table import COLUMNS, Precision, align
from tom.measuring.panels import panel
from tom.measuring.propensities import count_replies
from tom.measuring.supervision_table import LEADS, supervision_table
from tom.teaching.recipe import SUPERVISIONS

PRECISION = Precision(200, 0.95, 1, 0.1)
ERRORS = {"choices": 0.2, "replies": 0.0, "other_motivations": 0.3}
"""How far each supervision's student is off the teacher in every cell; the base is off by .6 and .2."""


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
    return supervision_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION)


def test_each_supervision_closes_what_its_students_close(table):
    found = table.filter(predictor="tuned", view="both", measure="exact")
    closed = dict(found.select("supervision", "gap_closed").iter_rows())
    for supervision, error in ERRORS.items():
        assert closed[supervision] == pytest.approx(1 - error / 0.4)


def test_leads_are_differences_of_what_is_closed_and_none_over_itself(table):
    for row in table.filter(predictor="tuned").iter_rows(named=True):
        same = table.filter(predictor="tuned", view=row["view"], measure=row["measure"])
        for other in ("choices", "other_motivations"):
            lead, low, high = (row[f"{other}_{column}"] for column in ("lead", "low", "high"))
            if other == row["supervision"]:
                assert (lead, low, high) == (None, None, None)
                continue
            assert lead == pytest.approx(row["gap_closed"] - same.filter(supervision=other)["gap_closed"].item())
            assert low <= lead <= high
            assert (low > 0) == (ERRORS[row["supervision"]] < ERRORS[other])


def test_baselines_stand_once_and_without_a_supervision(table):
    baselines = table.filter(~pl.col("predictor").str.starts_with("tuned"))
    assert baselines["supervision"].null_count() == baselines.height
    assert not baselines.select("view", "measure", "predictor").is_duplicated().any()
    assert baselines.select(LEADS).null_count().row(0) == (baselines.height,) * len(LEADS)
    assert table.columns == ["supervision", *COLUMNS, *LEADS]


def test_rows_are_those_of_the_alignment_table(table, untuned):
    counts = count_replies(frame(untuned | student(ERRORS["choices"])))
    part = panel(counts, ["tuned-seed1"], "both", "exact")
    rows = {row["predictor"]: row for row in align(part, part, PRECISION, "in_sample", "both", "exact")}
    (found,) = table.filter(supervision="choices", predictor="tuned", view="both", measure="exact").iter_rows(
        named=True
    )
    for name, value in rows["tuned"].items():
        assert found[name] == value or value != value or value is None, name


def test_a_cell_that_one_student_left_unreadable_counts_for_none(untuned):
    tuned = {name: frame(student(error)) for name, error in ERRORS.items()}
    broken = (pl.col("game") == GAMES[0]) & (pl.col("context") == CONTEXTS[0]) & (pl.col("record") == "observation")
    tuned["replies"] = tuned["replies"].with_columns(action=pl.when(~broken).then("action"))
    sampled = supervision_table(frame(untuned), tuned, frame(untuned), "in_sample", PRECISION).filter(measure="sampled")
    assert set(sampled["cells"]) == {3} and set(sampled["cells_unreadable"]) == {1}


def test_the_scripts_write_table_and_figure(untuned, tmp_path, monkeypatch):
    files = write_models(tmp_path / "untuned", untuned)
    words = [
        "--split",
        "in_sample",
        "--untuned",
        *files,
        "--reference-shards",
        *files,
        "--output",
        tmp_path / "t.parquet",
    ]
    for name in SUPERVISIONS:
        shards = write_models(tmp_path / name, student(ERRORS[name], ("tuned-seed1", "tuned-seed2")))
        words += [f"--{name.replace('_', '-')}", *shards]
    words += ["--bootstrap", 200, "--confidence", 0.95, "--margin", 0.1, "--seed", 1]
    monkeypatch.setattr(sys, "argv", ["tabulate_supervision.py", *map(str, words)])
    tabulate_supervision.main()
    table = pl.read_parquet(tmp_path / "t.parquet")
    assert set(table.filter(predictor="tuned")["seeds"]) == {2}
    assert (tmp_path / "t.csv").exists()
    outputs = [str(tmp_path / f"figure.{kind}") for kind in ("pdf", "png")]
    monkeypatch.setattr(
        sys, "argv", ["plot_supervision.py", "--tables", str(tmp_path / "t.parquet"), "--output", *outputs]
    )
    plot_supervision.main()
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_has_a_line_for_each_supervision(table):
    rows = plot_supervision.rows_of(table)
    assert sorted(rows["line"]) == sorted(plot_supervision.LINES)
    assert set(rows["view"]) == {"both"} and set(rows["measure"]) == {"exact"}
