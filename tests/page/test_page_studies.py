"""Studies on the page: what has been made of them, and what has not."""

import re

import polars as pl
import pytest
from made_page import HOSTILE_NAME, build, make_studies, page_inputs
from markupsafe import escape

from tom.config.studies import STUDIES
from tom.core.errors import UserError
from tom.page.html_tables import read_dictionary
from tom.page.studies import grouping_columns, made_files, study_results

SPLITS = ["in_sample", "our_own"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def arguments(folder, root):
    return page_inputs(folder, root)


@pytest.fixture(scope="module")
def bare(arguments, folder):
    """The page of a run without any of it."""
    return section(build(arguments, folder / "bare.html").read_text())


@pytest.fixture(scope="module")
def made(bare, folder):
    return make_studies(folder / "results/main")


@pytest.fixture(scope="module")
def text(arguments, folder, made):
    """The page with some of it, the first table of which is out of date."""
    return section(build([*arguments, "--outdated", made[0]], folder / "report.html").read_text())


def section(page: str) -> str:
    return re.search(r'<section id="studies" .*?(?=<section id="prompts")', page, re.DOTALL)[0]


@pytest.fixture(scope="module")
def dictionary(root):
    return read_dictionary(root / "workflow/schemas/tables.yaml")


def test_without_any_each_is_named_with_its_command(bare):
    for study in STUDIES:
        assert f"{escape(study.title)}: <code>snakemake {study.name}</code>" in bare
    assert "<table" not in bare and "<img" not in bare and 'class="note"' not in bare


def test_what_is_there_is_shown_and_no_longer_named_as_missing(text):
    for target, title in (("labels", "Other labels"), ("transfer_matrix", "Transfer matrix")):
        assert f'<h3 id="study-{target}-heading">{title}</h3>' in text
        assert f"{title}: <code>snakemake {target}</code>" not in text
        assert f'id="study-{target}"' in text
    assert text.count("<img") == 2 and text.count("<table") == 3
    assert "Learning curve: <code>snakemake learning_curve</code>" in text


def test_each_says_what_it_is_and_how_to_read_it(text):
    for study in STUDIES:
        made = f'id="study-{study.name}"' in text
        # Of the others the first sentence, which says what they show.
        assert str(escape(study.about if made else study.about.partition(". ")[0])) in text


def test_no_two_elements_have_one_name(text):
    names = re.findall(r'id="([^"]+)"', text)
    assert len(names) == len(set(names))


def test_markup_in_a_table_is_inert(text):
    assert str(escape(HOSTILE_NAME)) in text
    assert "<script" not in text


def test_what_is_missing_of_a_target_is_named(text, folder):
    assert text.count("Incomplete.") == 1
    left = folder / "results/main/tables/in_sample/target.parquet"
    assert f"<code>snakemake compare_training_targets</code> makes <code>{left}</code>." in text


def test_what_is_out_of_date_says_so(text, folder):
    assert text.count("Out of date") == 1
    stale = folder / "results/main/tables/labels.parquet"
    assert f"<code>{stale}</code>. <code>snakemake labels</code> updates it" in text


def test_made_files_are_those_that_are_there(folder, made, tmp_path):
    assert set(made_files(folder / "results/main", SPLITS)) == set(made)
    assert made_files(tmp_path, SPLITS) == []


def test_tables_are_described_and_no_two_are_alike(dictionary):
    tables = [table for study in STUDIES for table in study.tables]
    assert {table.name for table in tables} <= set(dictionary)
    assert len({table.title for table in tables}) == len({table.file for table in tables}) == len(tables)
    assert len({study.name for study in STUDIES}) == len(STUDIES)


def test_columns_of_words_that_repeat_are_filters():
    frame = pl.DataFrame({"view": ["both", "both"], "probe": ["a", "b"], "seeds": [1, 1], "context": [None, None]})
    assert grouping_columns(frame.with_columns(pl.col("context").cast(pl.String))) == ("view",)


def test_two_tables_of_one_file_name_have_elements_of_their_own(tmp_path, dictionary):
    for split in ("held_out", "held_out_reworded"):
        file = tmp_path / "tables" / split / "alignment.parquet"
        file.parent.mkdir(parents=True)
        pl.DataFrame({"split": [split], "gap_closed": [0.5]}).write_parquet(file)
    keys = [table.key for shown in study_results(tmp_path, SPLITS, [], dictionary)[0] for table in shown.tables]
    assert len(keys) == len(set(keys)) == 2


def test_tables_of_one_study_may_have_other_columns(tmp_path, dictionary):
    old, new = ({"split": ["in_sample"], "n": [1]}, {"split": ["our_own"], "n": [0.5], "added": ["x"]})
    for split, rows in zip(SPLITS, (old, new), strict=True):
        file = tmp_path / "tables" / split / "target.parquet"
        file.parent.mkdir(parents=True)
        pl.DataFrame(rows).write_parquet(file)
    (shown,) = study_results(tmp_path, SPLITS, [], dictionary)[0]
    assert [column.name for column in shown.tables[0].columns] == ["split", "n", "added"]


def test_a_damaged_table_is_named(tmp_path, dictionary):
    file = tmp_path / "tables/labels.parquet"
    file.parent.mkdir()
    file.write_text("no table")
    with pytest.raises(UserError, match="labels"):
        study_results(tmp_path, SPLITS, [], dictionary)
