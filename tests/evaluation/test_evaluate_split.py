import sys

import polars as pl
import pytest
from evaluate_split import TABLES, evaluate, main
from made_shards import CONTEXTS, GAMES, counted_rows, live_run, published_frame, shard_frame, small_run, write_models

from tom.core.errors import UserError
from tom.paper.published_choices import read_published_split
from tom.statistics.resampling import Uncertainty

PRECISION = Uncertainty(draws=300, confidence=0.95, seed=1, margin=0.1)
IN_SAMPLE = ("diplomacy", "business", "environment", "friendship", "teamwork")


def run_frame(models: dict) -> pl.DataFrame:
    return shard_frame([row for cells in models.values() for rows in cells.values() for row in rows])


@pytest.fixture
def shards():
    return run_frame(small_run())


@pytest.fixture
def reference(shards):
    return shards.filter(pl.col("model").is_in(["teacher", "base"]))


def rows_of(table: pl.DataFrame, **where) -> dict:
    return {row["predictor"]: row for row in table.filter(**where).iter_rows(named=True)}


@pytest.mark.parametrize(
    ("split", "contexts", "doubled", "closed", "mean"),
    [
        ("in_sample", IN_SAMPLE, False, 0.330, 46.65),
        ("out_of_sample_contexts", ("roommates", "sports", "investors"), False, 0.147, 17.90),
        ("doubled_payoffs", IN_SAMPLE, True, 0.188, 39.95),
    ],
)
def test_the_published_counts_as_shards_give_the_published_figures(resources, split, contexts, doubled, closed, mean):
    table = resources / "paper" / "observed_choices.csv"
    shards = published_frame(table, contexts, doubled)
    reference = published_frame(table, IN_SAMPLE).filter(pl.col("model") != "tuned-seed1")
    found = evaluate(shards, reference, read_published_split(table, split), split, PRECISION)["alignment"]
    # One order, no scores: one view, one measure.
    assert found.select("view", "measure").unique().rows() == [("fixed", "sampled")]
    rows = rows_of(found)
    for name in ("tuned", "tuned-seed1", "paper_tuned"):
        assert rows[name]["gap_closed"] == pytest.approx(closed, abs=0.0005)
        assert rows[name]["low"] < closed < rows[name]["high"]
    # Per cent of propensities; the paper's own 46.26 in sample is of counts, with one of 299 in 20 cells.
    assert rows["tuned"]["mean_improvement"] == pytest.approx(mean, abs=0.005)
    # chance beats the paper's student on every split, beyond noise.
    assert rows["tuned"]["chance_high"] < 0
    assert rows["constant"]["fitted"] == pytest.approx(0.46, abs=0.001)
    assert rows["base"]["gap_closed"] == rows["paper_base"]["gap_closed"] == 0


def test_alignment_by_hand(shards, reference):
    table = evaluate(shards, reference, None, "in_sample", PRECISION)["alignment"]
    rows = rows_of(table, view="both", measure="exact")
    # The teacher's propensities are .2 and .6, the base's .8; seed 1 is the teacher, seed 2 .1 above it.
    assert rows["base"]["gap"] == pytest.approx((0.6 + 0.2) / 2)
    assert rows["tuned-seed1"]["gap_closed"] == pytest.approx(1)
    assert rows["tuned-seed2"]["gap_closed"] == pytest.approx(0.75)
    assert rows["tuned"]["gap_closed"] == pytest.approx(0.875)
    assert rows["tuned"]["seed_sd"] == pytest.approx(0.25 / 2**0.5)
    assert rows["tuned"]["seeds"] == 2
    assert rows["tuned-seed1"]["high"] == 1
    assert rows["tuned-seed2"]["high"] < 1
    assert rows["chance"]["gap"] == pytest.approx((0.3 + 0.1) / 2)
    assert rows["constant"]["fitted"] == pytest.approx(0.4)
    assert rows["tuned-seed2"]["chance_lead"] == pytest.approx(0.25)
    assert rows["tuned-seed2"]["chance_low"] > 0
    # Improvements 100 and 100; 100 * .5 / .6 and 100 * .1 / .2.
    assert rows["tuned"]["mean_improvement"] == pytest.approx((100 + (500 / 6 + 50) / 2) / 2)
    assert 0.9 < rows["noise_ceiling"]["gap_closed"] < 1
    assert "paper_tuned" not in rows


def test_exact_propensities_on_both_sides_are_compared_exactly():
    """The teacher's are .35 and .05, .75 and .45 in the two orders; seed 1's are .22 and .18, .62 and .58."""
    shards = run_frame(live_run())
    reference = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    tables = evaluate(shards, reference, None, "in_sample", PRECISION)
    alignment = tables["alignment"].filter(measure="exact")
    assert set(alignment["teacher_answers"]) == {"exact"}
    gaps = {row["view"]: row["gap"] for row in alignment.filter(predictor="tuned-seed1").iter_rows(named=True)}
    assert gaps == pytest.approx({"fixed": 0.13, "swapped": 0.13, "both": 0}, abs=1e-12)
    bases = {row["view"]: row["gap"] for row in alignment.filter(predictor="base").iter_rows(named=True)}
    assert bases == pytest.approx({"fixed": (0.55 + 0.15) / 2, "swapped": (0.65 + 0.25) / 2, "both": 0.4})
    for row in alignment.filter(pl.col("low").is_not_null()).iter_rows(named=True):
        assert row["low"] == pytest.approx(row["gap_closed"]) == row["high"]
    assert alignment.filter(predictor="noise_ceiling")["gap"].to_list() == [0, 0, 0]
    cells = tables["equivalence"].filter(measure="exact", view="both", level="cell", model="base")
    for row in cells.iter_rows(named=True):
        assert row["low"] == row["high"] == row["difference"] == pytest.approx(0.8 - row["teacher"])
        assert (row["p_equal"], row["p_equivalent"], row["power"], row["verdict"]) == (0, 1, 1, "different")
    near = tables["equivalence"].filter(measure="exact", view="both", model="tuned-seed1")
    assert set(near["verdict"]) == {"equivalent"}
    improvements = tables["improvements"].filter(measure="exact", view="fixed", model="tuned-seed1")
    assert set(improvements["p_base_is_teacher"]) == {0} and set(improvements["verdict"]) == {"overcorrection"}
    for row in improvements.iter_rows(named=True):
        assert row["fieller_low"] == pytest.approx(row["improvement"]) == row["fieller_high"]


def test_a_live_teachers_observations_are_those_of_the_view():
    shards = run_frame(live_run())
    reference = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    tables = evaluate(shards, reference, None, "in_sample", PRECISION)
    found = tables["improvements"].filter(measure="sampled", model="tuned-seed1", game=GAMES[0], context=CONTEXTS[1])
    assert dict(found.select("view", "teacher").rows()) == pytest.approx(
        {"fixed": round(150 * 0.75) / 150, "swapped": round(150 * 0.45) / 150, "both": 0.6}, abs=0.002
    )
    assert set(found["teacher_answers"]) == {"sampled"}
    assert tables["alignment"]["not_estimated"].null_count() > 0
    recorded = evaluate(run_frame(small_run()), reference, None, "in_sample", PRECISION)["alignment"]
    answers = dict(recorded.filter(measure="exact").select("view", "teacher_answers").unique().rows())
    assert answers == {"fixed": "sampled", "swapped": "pooled", "both": "pooled"}


def test_a_live_teacher_without_scores_is_sampled_beside_exact_students():
    shards = run_frame(live_run()).filter((pl.col("model") != "teacher") | (pl.col("record") == "observation"))
    reference = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    table = evaluate(shards, reference, None, "in_sample", PRECISION)["alignment"].filter(measure="exact")
    assert set(table["teacher_answers"]) == {"sampled"}
    row = rows_of(table, view="both")["tuned-seed2"]
    assert row["low"] < row["gap_closed"] < row["high"]
    assert rows_of(table, view="both")["noise_ceiling"]["gap"] > 0.01


def test_views_differ_by_the_order_bias(shards, reference):
    table = evaluate(shards, reference, None, "in_sample", PRECISION)["alignment"].filter(measure="exact")
    gaps = {row["view"]: row["gap"] for row in table.filter(predictor="base").iter_rows(named=True)}
    assert gaps == pytest.approx({"fixed": 0.5, "swapped": 0.3, "both": 0.4})


def test_baselines_are_fitted_on_the_reference_alone(shards, reference):
    flat = reference.filter((pl.col("context") == CONTEXTS[0]) | (pl.col("model") == "base"))
    flat = flat.filter(pl.col("context") == CONTEXTS[0])
    rows = rows_of(
        evaluate(shards, flat, None, "doubled_payoffs", PRECISION)["alignment"], view="both", measure="exact"
    )
    assert rows["constant"]["fitted"] == pytest.approx(0.2)
    assert rows["offset"]["fitted"] == pytest.approx(-0.6)


def test_a_cell_nobody_can_read_is_left_out_and_counted(shards, reference):
    game, context = GAMES[0], CONTEXTS[0]
    unread = (pl.col("game") == game) & (pl.col("context") == context) & (pl.col("model") == "teacher")
    mute = counted_rows("teacher", game, context, {"cooperation_first": (0, 0, 300)})
    shards = pl.concat([shards.filter(~unread), shard_frame(mute)])
    tables = evaluate(shards, reference, None, "in_sample", PRECISION)
    row = rows_of(tables["alignment"], view="both", measure="exact")["tuned"]
    assert (row["cells"], row["cells_unreadable"]) == (3, 1)
    shown = tables["propensities"].filter(model="teacher", level="cell", game=game, context=context, view="both")
    assert shown.select("rate", "invalid").row(0) == (None, 300)


@pytest.mark.parametrize("unreadable", [["base"], ["teacher", "tuned-seed1"]])
def test_a_model_nobody_can_read_anywhere_is_named(shards, reference, unreadable):
    free = shards.filter(record="observation")
    action = pl.when(~pl.col("model").is_in(unreadable)).then("action")
    tables = evaluate(free.with_columns(action=action), reference, None, "in_sample", PRECISION)
    found = tables["alignment"].filter(predictor="tuned", view="both")
    assert found["not_estimated"].to_list() == [f"{' and '.join(unreadable)} gave no readable reply"]
    assert found.select("gap", "gap_closed", "cells", "cells_unreadable").row(0) == (None, None, 0, 4)
    assert tables["equivalence"].is_empty() and tables["propensities"].height


def test_exact_propensities_need_no_reply_of_a_student(shards, reference):
    mute = shards.with_columns(action=pl.when(pl.col("model") != "base").then("action"))
    tables = evaluate(mute, reference, None, "in_sample", PRECISION)
    rows = rows_of(tables["alignment"], view="both", measure="exact")
    assert rows["tuned-seed2"]["gap_closed"] == pytest.approx(0.75) and rows["tuned"]["not_estimated"] is None
    rows = rows_of(tables["alignment"], view="both", measure="sampled")
    assert rows["tuned"]["not_estimated"] == "base gave no readable reply"


def test_replies_without_exact_scores_are_evaluated_as_sampled(shards, reference):
    free, free_reference = (frame.filter(record="observation") for frame in (shards, reference))
    tables = evaluate(free, free_reference, None, "in_sample", PRECISION)
    assert set(tables["alignment"]["measure"]) == {"sampled"}
    assert tables["propensities"]["exact"].null_count() == tables["propensities"].height
    assert tables["diagnostics"]["letter_change"].null_count() == tables["diagnostics"].height


def test_one_order_is_its_own_headline():
    models = small_run()
    one = run_frame(models).filter(pl.col("order") == "cooperation_first")
    reference = one.filter(pl.col("model").is_in(["teacher", "base"]))
    tables = evaluate(one, reference, None, "in_sample", PRECISION)
    assert set(tables["alignment"]["view"]) == {"fixed"}


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (pl.col("model") != "teacher", "none of them is of the model 'teacher'"),
        (~pl.col("model").str.starts_with("tuned"), "none of them is of a tuned model"),
        (
            (pl.col("model") != "base") | (pl.col("game") != GAMES[1]) | (pl.col("context") != CONTEXTS[0]),
            "none of base for stag_hunt in business",
        ),
        ((pl.col("model") != "teacher") | (pl.col("game") != GAMES[1]), "none of teacher for stag_hunt in business"),
    ],
)
def test_missing_shards_are_named(shards, reference, keep, message):
    with pytest.raises(UserError, match=message):
        evaluate(shards.filter(keep), reference, None, "in_sample", PRECISION)


def test_an_unknown_model_is_named(shards, reference):
    strange = shards.with_columns(pl.col("model").replace("tuned-seed2", "tuned-twice"))
    with pytest.raises(UserError, match="'tuned-twice' is none of"):
        evaluate(strange, reference, None, "in_sample", PRECISION)


def test_files_are_the_same_bytes_whatever_the_order_of_shards(tmp_path, resources, monkeypatch):
    files = [str(file) for file in write_models(tmp_path / "shards", small_run())]
    reference = [file for file in files if "tuned" not in file]
    written = []
    for attempt, shards in enumerate((files, files[::-1])):
        folder = tmp_path / str(attempt)
        monkeypatch.setattr(
            sys,
            "argv",
            ["evaluate_split.py", "--split", "in_sample", "--shards", *shards, "--reference-shards", *reference]
            + ["--published", str(resources / "paper" / "observed_choices.csv")]
            + ["--bootstrap", "100", "--confidence", "0.95", "--margin", "0.1", "--seed", "1"]
            + [
                argument
                for name in TABLES
                for argument in (f"--{name.replace('_', '-')}", str(folder / f"{name}.parquet"))
            ],
        )
        main()
        written.append({file.name: file.read_bytes() for file in sorted(folder.iterdir())})
    assert sorted(written[0]) == sorted(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet", "tex"))
    assert written[0] == written[1]
    alignment = pl.read_parquet(tmp_path / "0" / "alignment.parquet")
    assert alignment["split"].unique().to_list() == ["in_sample"]
    published = rows_of(alignment, view="fixed", measure="sampled")["paper_tuned"]
    assert published["mean_improvement"] == pytest.approx(46.26, abs=0.005)
