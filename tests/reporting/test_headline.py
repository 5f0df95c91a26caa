import polars as pl
import pytest
from made_tables import made_tables

from tom.reporting.findings import headline, headline_measure


@pytest.fixture(scope="module")
def alignment(resources):
    return made_tables(resources)["alignment"].filter(pl.col("split") != "doubled_payoffs")


def test_the_sentence_names_shares_intervals_and_where_there_is_a_gain(alignment):
    words = headline(alignment, "Small", "Large")
    assert words.startswith("Trained on the choices of Large and asked in both option orders, Small closes ")
    assert "of the gap between them in the cells that it was trained on and" in words
    assert "in “Out of sample contexts”" in words
    assert "Below 0 %" not in words


def changed(alignment, split, **values):
    rows = (pl.col("split") == split) & (pl.col("predictor") == "tuned")
    return alignment.with_columns(
        pl.when(rows).then(pl.lit(value, alignment[name].dtype)).otherwise(name).alias(name)
        for name, value in values.items()
    )


BEATEN = {f"{name}_low": 0.1 for name in ("chance", "constant", "offset", "nearest")}


def test_a_gain_counts_where_every_baseline_is_beaten(alignment):
    everywhere = changed(changed(alignment, "in_sample", **BEATEN), "out_of_sample_contexts", **BEATEN)
    assert "; it beats every simple baseline everywhere." in headline(everywhere, "Small", "Large")
    one = changed(everywhere, "out_of_sample_contexts", nearest_low=-0.1, nearest_high=0.1)
    assert "; it beats every simple baseline only in the cells that it was trained on." in headline(
        one, "Small", "Large"
    )
    none = changed(one, "in_sample", chance_low=-0.3, chance_high=-0.1)
    assert "; nowhere does it beat every simple baseline." in headline(none, "Small", "Large")


def test_a_loss_and_a_lack_of_a_gap_are_said(alignment):
    lost = changed(alignment, "in_sample", gap_closed=-0.454, low=-0.5, high=-0.39)
    words = headline(lost, "Small", "Large")
    assert "−45 % (−50 to −39) of the gap" in words
    assert words.endswith("A share below 0 % means that it is farther from its teacher than before training.")
    none = changed(alignment, "in_sample", gap_closed=None, not_estimated="the base has no gap", **BEATEN)
    assert "no measurable share (the base has no gap)" in headline(none, "Small", "Large")
    assert "only in the cells" not in headline(none, "Small", "Large")


def test_the_measure_is_the_exact_one_where_every_split_has_it(alignment):
    assert set(headline_measure(alignment)["measure"]) == {"exact"}
    part = alignment.filter((pl.col("split") == "in_sample") | (pl.col("measure") == "sampled"))
    assert set(headline_measure(part)["measure"]) == {"sampled"}
