"""Every name of a game that config/README.md shows is one that a config may have."""

import re
from pathlib import Path

import pytest

from tom.core.yaml_files import read_document
from tom.games.game import load_game
from tom.games.kinds import load_number_game
from tom.games.names import file_stem, members

README = Path(__file__).resolve().parents[2] / "config" / "README.md"
TABLE = README.read_text().partition("\n## Games by name\n")[2].partition("\nScales and shifts")[0]
NAMES = [
    name for line in TABLE.splitlines() for name in re.findall(r"`([^`]+)`", line.split("|")[1] if "|" in line else "")
]


def test_one_name_of_each_kind_is_shown():
    assert {"stag_hunt", "stag_hunt-x2", "ordinal-tspr", "drawn-0", "drawn_asymmetric-0-column", "textbook-0"} <= {
        *NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_shown_is_a_game(resources, root, name, monkeypatch):
    monkeypatch.chdir(root)  # a table of games is named from there
    file = resources / "games" / f"{file_stem(name)}.yaml"
    load = load_number_game if read_document(file, "game")["kind"] == "number" else load_game
    assert [load(file, member).name for member in members(name)] == members(name)


def test_a_pattern_of_the_schema_takes_each(root):
    schema = (root / "workflow/schemas/config.schema.yaml").read_text()
    (pattern,) = re.findall(r'items: \{type: string, pattern: "(\^\[a-z\].*?column.*?)", allowed', schema)
    assert all(re.fullmatch(pattern, name) for name in NAMES)
