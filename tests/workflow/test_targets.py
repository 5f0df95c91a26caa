"""Targets are listed with a line each, and each proposes another that exists."""

import re
import subprocess
import sys

from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))

import generate

from tom.config.studies import BY_NAME


def test_every_target_is_listed_once_with_what_it_makes(fresh):
    said = fresh.succeed("targets")
    assert "snakemake TARGET --cores all --configfile config/config.yaml tiny.yaml\n" in said
    listed = said.partition("snakemake TARGET")[2].partition("Next:")[0]
    assert max(map(len, listed.splitlines())) <= 100
    # A description goes on below its beginning.
    said = re.sub(r"\n {10,}", " ", said)
    documented = re.findall(r"^\| `(\w+)` \| (.*?) \|", generate.target_table(), re.MULTILINE)
    assert len(documented) > 10
    for name, about in documented:
        assert re.findall(rf"^{name} +(.*)$", said, re.MULTILINE) == [about]
    assert all(len(re.findall(rf"^{name} +\S", said, re.MULTILINE)) == 1 for name in BY_NAME)
    lacking = set(re.findall(r"^(\w+) .* Not with this config: it needs", said, re.MULTILINE))
    assert {"breadth", "compare"} <= lacking and not lacking & {"labels", "controls", "all"}


def test_every_target_proposes_another_one():
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", generate.target_table(), re.MULTILINE))
    text = "\n".join((REPOSITORY / file).read_text() for file in generate.TARGET_FILES)
    rules = dict(re.findall(r'^rule (\w+):\n    """.*?"""\n(.*?)(?=^\S|\Z)', text, re.MULTILINE | re.DOTALL))
    assert rules.keys() == documented.keys()
    for name, body in rules.items():
        (proposed,) = re.findall(r'next=(?:config.get\("plan", )?"(\w+)"', body)
        assert proposed in documented and proposed != name


def test_make_help_lists_what_make_does():
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert re.match(r"make +the environment", said) and re.search(r"^make test +the env", said, re.MULTILINE)
    assert "snakemake targets" in said
    assert "PYTHON ?=" not in said
