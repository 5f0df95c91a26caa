import re

import polars as pl
import pytest
from recompute_paper import judge_paper, page

from tom.core.errors import UserError
from tom.core.frames import table_schema
from tom.paper.public_goods import contribution_set, contribution_table
from tom.paper.published_choices import read_contributions
from tom.reporting.paper_figures import Recomputed, compare, read_stated, recompute
from tom.reporting.tables import PRINTED, SIZES, TEXT_WIDTH, latex_table, write_registered
from tom.statistics.resampling import Uncertainty

PRECISION = Uncertainty(300, 0.95, 1, 0.1)


@pytest.fixture(scope="module")
def tables(resources):
    tables = judge_paper(resources / "paper" / "observed_choices.csv", PRECISION)
    given = read_contributions(resources / "paper" / "observed_contributions.csv")
    tables["contributions"] = contribution_table(given, 0.95)
    found = recompute(tables, given, tables["contributions"], contribution_set(given, 0.95))
    return tables | {"figures": compare(read_stated(resources / "paper" / "stated_figures.csv"), found)}


def test_every_stated_figure_is_found_but_the_two_that_the_counts_contradict(tables):
    contradicted = tables["figures"].filter(~pl.col("agrees"))
    found = dict(contradicted.select("figure", "recomputed").rows())
    assert found == pytest.approx(
        {"out_of_sample_contexts.base_gap": 0.555, "out_of_sample_contexts.gap_closed": 14.7}, abs=0.05
    )


def test_no_headline_beats_what_needs_no_student(tables):
    verdicts = dict(tables["figures"].select("figure", "verdict").rows())
    for split in ("in_sample", "out_of_sample_contexts", "doubled_payoffs"):
        verdict = verdicts[f"{split}.gap_closed"]
        assert "no gain over what needs no student" in verdict or "falls short of every baseline" in verdict
        assert "so it shows no gain" in verdicts[f"{split}.mean_improvement"]
    assert "its interval holds 0" in verdicts["in_sample.mean_improvement"]
    assert "46.65 in rates" in verdicts["in_sample.mean_improvement"]


def test_intervals_hold_their_figures(tables):
    for row in tables["figures"].drop_nulls("low").iter_rows(named=True):
        assert row["low"] <= row["recomputed"] <= row["high"], row


def test_the_page_shows_every_figure(tables):
    lines = "\n".join(page(tables, PRECISION)).splitlines()
    text = "\n".join(lines)
    assert "| mean improvement      |  46.26 |     paper |   46.26 |" in text
    assert text.count("|     NO |") == 2
    flat = " ".join(text.split())
    for figure in ("base gap, NO: stated 0.557, counted 0.55", "gap closed, NO: stated 15.1, counted 14.7"):
        assert f"- {figure}" in flat
    assert flat.count("The paper does not state it: it was derived from these counts elsewhere") == 2
    assert max(map(len, lines)) <= 110


def test_a_figure_that_nothing_recomputes_is_named(resources):
    stated = read_stated(resources / "paper" / "stated_figures.csv")
    with pytest.raises(UserError, match=r"in_sample\.mean_improvement"):
        compare(stated, {"something": Recomputed(1.0)})
    with pytest.raises(UserError, match="no table of stated figures"):
        read_stated(resources / "paper" / "missing.csv")


def test_agreement_is_to_the_stated_places():
    stated = pl.DataFrame({"figure": ["a"], "stated": [0.33], "decimals": [2], "unit": [""], "origin": [""]})
    assert compare(stated, {"a": Recomputed(0.3349)})["agrees"].to_list() == [True]
    assert compare(stated, {"a": Recomputed(0.3351)})["agrees"].to_list() == [False]


@pytest.mark.parametrize("name", PRINTED)
def test_a_wide_table_prints_the_columns_that_carry_the_result(name, tmp_path):
    words = {"split": "out_of_sample_contexts", "quantity": "slope_on_teacher", "level": "prisoners_delight-x2"}
    words |= {"view": "fixed", "measure": "sampled", "predictor": "noise_ceiling", "model": "tuned-seed1"}
    schema = table_schema(name)
    row = {column: words.get(column, "x & y" if schema[column] == pl.String else 0) for column in schema}
    write_registered(name, pl.DataFrame([row], schema=schema), tmp_path / f"{name}.parquet")
    assert pl.read_parquet(tmp_path / f"{name}.parquet").columns == list(schema)
    text = (tmp_path / f"{name}.tex").read_text()
    size = re.match(r"\\begingroup(\\\w+)\\setlength\{\\tabcolsep\}\{3pt\}\n\\begin\{longtable\}", text)[1]
    assert text.endswith("\\end{longtable}\n\\endgroup\n")
    (header, *_) = (line for line in text.splitlines() if " & " in line)
    assert header.replace("\\", "").strip().split(" & ") == list(PRINTED[name])
    widths = sum(max(len(column), len(str(row[column])), 5) for column in PRINTED[name])
    assert widths * SIZES[size] / 2 + 6 * len(PRINTED[name]) <= 1.05 * TEXT_WIDTH


def test_latex_escapes_and_rounds():
    text = latex_table(pl.DataFrame({"a_b": ["x_1 & 50%", None], "n": [1, None], "f": [0.12345, None]}))
    assert r"a\_b & n & f \\" in text
    assert r"x\_1 \& 50\% & 1 & 0.123 \\" in text
    assert r"-- & -- & -- \\" in text
    assert r"\begin{longtable}{lrr}" in text
