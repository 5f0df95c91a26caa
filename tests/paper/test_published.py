import pytest

from tom.core.errors import UserError
from tom.paper.published_choices import mean_contributions, read_published_split


def test_splits_have_the_papers_cells(resources):
    table = resources / "paper" / "observed_choices.csv"
    sizes = {
        split: read_published_split(table, split)["teacher"].readable.shape
        for split in ("in_sample", "out_of_sample_contexts", "doubled_payoffs")
    }
    assert sizes == {"in_sample": (20, 1), "out_of_sample_contexts": (12, 1), "doubled_payoffs": (20, 1)}
    assert read_published_split(table, "in_sample")["base"].rates().mean() == pytest.approx(0.827, abs=0.0005)


def test_a_split_of_our_own_was_not_published(resources):
    assert read_published_split(resources / "paper" / "observed_choices.csv", "chess") is None


def test_mean_contributions_are_the_papers(resources):
    means = mean_contributions(resources / "paper" / "observed_contributions.csv")
    assert means == pytest.approx({"base": 5.493, "tuned": 5.920, "teacher": 7.0}, abs=0.0005)


def test_bad_tables_are_named(tmp_path):
    table = tmp_path / "counts.csv"
    with pytest.raises(UserError, match=r"counts\.csv: no such table"):
        read_published_split(table, "in_sample")
    table.write_text("split,context\nin_sample,sports\n")
    with pytest.raises(UserError, match=r"counts\.csv: needs the columns split, context, game"):
        read_published_split(table, "in_sample")
    table.write_text("split,context,game,model,cooperated,observations\nin_sample,sports,snowdrift,base,1,2\n")
    with pytest.raises(UserError, match="same cells for each of teacher, base, tuned"):
        read_published_split(table, "in_sample")
    table.write_text("context,game,model,contribution,count\nneutral,public_goods,base,5,300\n")
    with pytest.raises(UserError, match="no contributions of teacher, tuned"):
        mean_contributions(table)
