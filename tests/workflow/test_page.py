"""The page of a finished run."""

import re
import shutil
from collections import Counter

import pytest
from conftest import shared
from project import Project


@pytest.fixture(scope="session")
def reported(finished, tmp_path_factory):
    """The finished run with its page."""
    make = shared(tmp_path_factory, "page", lambda folder: finished.copy(folder).succeed("report"))
    return Project(make)


@pytest.fixture
def project(reported, tmp_path):
    return reported.copy(tmp_path / "project")


def page(project) -> str:
    return (project.experiment / "report.html").read_text()


def test_the_page_holds_the_run(reported):
    text = page(reported)
    assert "What tiny learnt from Llama-2-70b-chat" in text
    assert text.count("data:image/svg+xml;base64,") == 3 + 2 * 3 + 4 + 1
    assert "34 of 34 jobs have a recorded time" in text
    assert str(reported.folder) not in text
    cells = re.search(r'<table class="data" id="cells-table">.*?</table>', text, re.DOTALL)[0]
    # Eight cells: the teacher in one order, base and tuned in two and in their mean.
    assert cells.count("<tr>") == 1 + 8 * (1 + 2 * 3)


def test_an_equal_run_gives_an_equal_page(project):
    before = page(project)
    (project.experiment / "report.html").unlink()
    project.succeed("report")
    assert page(project) == before


def test_the_page_adds_nothing_to_a_finished_run(project):
    assert project.plan("report") == project.plan() == Counter()


@pytest.mark.parametrize("file", ["page/page.css", "page/page.js", "page/page.html.jinja", "agreement.rst"])
def test_its_look_rebuilds_the_page_alone(project, file):
    path = project.folder / "workflow/report" / file
    path.write_text(path.read_text() + "\n")
    assert project.plan("report") == Counter({"build_page": 1})


def test_a_setting_that_changes_no_result_rebuilds_the_page_alone(project):
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    assert project.plan("report") == Counter({"build_page": 1})
    assert project.plan() == Counter()


def test_a_reading_of_replies_reruns_their_tables(project):
    project.edit("workflow/scripts/tom/evaluation/rates.py", "nulls_last=True", "nulls_last=bool(1)")
    assert project.plan("report") == Counter({"tabulate_replies": 3, "build_page": 1})


@pytest.mark.slow
def test_a_run_with_one_split_has_a_page(project):
    text = (project.folder / "tiny.yaml").read_text()
    start, end = text.index("  out_of_sample_contexts:"), text.index("student:")
    dropped = "  out_of_sample_contexts: null\n  doubled_payoffs: null\n"
    (project.folder / "tiny.yaml").write_text(text[:start] + dropped + text[end:])
    project.succeed("report")
    assert "Propensities: In sample" in page(project)
    assert "Propensities: Out of sample contexts" not in page(project)


def test_a_run_in_one_order_plans_a_page(fresh):
    with (fresh.folder / "tiny.yaml").open("a") as config:
        config.write("option_orders: [cooperation_last]\n")
    plan = fresh.plan("report")
    assert plan["build_page"] == 1
    assert plan["plot_paper"] == plan["plot_paper_order"] == 0


@pytest.mark.slow
def test_what_another_target_made_appears_and_the_page_makes_none_of_it(project):
    assert "Side effects of training: <code>snakemake collateral</code>" in page(project)
    project.succeed("collateral")
    assert project.plan("report") == Counter({"build_page": 1})
    project.succeed("report")
    assert "Probes before and after training" in page(project)
    assert "Out of date" not in page(project)
    assert project.plan("report") == project.plan() == Counter()
    # A table that today's config would make otherwise stays as it is, and the page says so.
    project.edit("tiny.yaml", "bootstrap: 200", "bootstrap: 200\n  confidence: 0.9")
    plan = project.plan("report")
    assert plan["build_page"] == 1 and plan["tabulate_collateral"] == plan["ask_model"] == 0
    # A recorded teacher is not asked again, so this is of no config like this one; it hides nothing of the others.
    tables = project.experiment / "tables"
    shutil.copy2(tables / "collateral.parquet", tables / "prompt_formats.parquet")
    project.succeed("report")
    told = r"Out of date.*?<code>results/main/tables/(\w+)\.parquet</code>. <code>snakemake (\w+)"
    stale = re.findall(told, page(project))
    assert stale == [("collateral", "collateral"), ("prompt_formats", "compare_prompt_formats")]
    assert project.plan("report") == Counter()
