"""The documentation shows the workflow as it is: generated parts are fresh, and what a page names is there."""

import re
import sys

import pytest
from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))

import generate

PAGES = ["README.md", "config/README.md", *sorted(f"docs/{page.name}" for page in (REPOSITORY / "docs").glob("*.md"))]
FOLDERS = "workflow|config|docs|tests|benchmarks|resources|profiles|envs"
# A path in a page, such as workflow/rules/common.smk; tom/... lies in workflow/scripts.
PATH = re.compile(rf"(?<![\w/.{{}}-])(?:(?:{FOLDERS}|tom)/[\w/.-]*\w|Snakefile|Makefile)")
# Files that a reader is to write.
EXAMPLES = {
    "resources/contexts/library.yaml",
    "resources/games/my_game.yaml",
    "resources/games/my_dilemmas.yaml",
    "resources/games/people.yaml",
}


def is_placeholder(path: str) -> bool:
    """Whether a path stands for many, such as tom/engines/NAME_engine.py."""
    return path in EXAMPLES or bool(re.search(r"/[A-Z]{2,}", path) and "README" not in path)


def test_generated_pages_are_fresh():
    for page, text in generate.pages().items():
        assert page.read_text() == text, f"{page.name} is stale: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page):
    missing = []
    for path in dict.fromkeys(PATH.findall((REPOSITORY / page).read_text())):
        file = REPOSITORY / "workflow/scripts" / path if path.startswith("tom/") else REPOSITORY / path
        if not is_placeholder(path) and not file.exists():
            missing.append(path)
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    folder, text = (REPOSITORY / page).parent, (REPOSITORY / page).read_text()
    wrong = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        file = folder / path if path else REPOSITORY / page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            wrong.append(link)
    assert not wrong


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_a_page_names_is_one(page):
    rows = generate.target_table() + generate.study_table()
    targets = set(re.findall(r"^\| `(\w+)`", rows, re.MULTILINE))
    made = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    text = (REPOSITORY / page).read_text()
    if page == "docs/extending.md":
        text = text.replace("snakemake ranks", "")  # its example
    asked = set(re.findall(r"(?:`|^)snakemake ([a-z]\w*)", text, re.MULTILINE))
    assert asked <= targets | {"results"}  # a file by its path
    assert set(re.findall(r"(?:`|^)make ([a-z][\w-]*)", text, re.MULTILINE)) <= made


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("teacher.endpoint.base_url", "required"),
        ("teacher.endpoint.concurrency", "`8`"),
        ("teacher.endpoint.parameters", ""),
        ("teacher.gpus", "required with weights"),
        ("teacher.folder", "required with `source: folder`"),
        ("student.gpus", "`0`"),
        ("training.batch_size", "`null`"),
        ("tensorboard", ""),
    ],
)
def test_the_reference_of_keys_tells_required_ones_from_optional_ones(key, default):
    (row,) = (row for row in generate.key_table().splitlines() if row.startswith(f"| `{key}` |"))
    assert row.split(" | ")[2].strip() == default
