"""The table and the config by which config/README.md shows how to use people's choices as the teacher."""

import re
from pathlib import Path

import pytest
import yaml

from tom.config.checks import check_study
from tom.config.layers import Layer, drop_nulls, merge
from tom.config.study import all_cells, recorded_observations
from tom.core.errors import UserError
from tom.sampling.recorded import COLUMNS, read_counts

README = Path(__file__).resolve().parents[2] / "config" / "README.md"
SECTION = README.read_text().partition("\n## Choices that you recorded as the teacher\n")[2].partition("\n## ")[0]
(TABLE,) = re.findall(r"```csv\n(.*?)```", SECTION, re.DOTALL)
(CONFIG,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def shown(root, tmp_path, monkeypatch) -> dict:
    """The config of the page on the default one, beside the page's table."""
    monkeypatch.chdir(tmp_path)
    Path("my.csv").write_text(TABLE)
    default = yaml.safe_load((root / "config" / "config.yaml").read_text())
    config = merge([Layer("config.yaml", default), Layer("my.yaml", yaml.safe_load(CONFIG))])
    drop_nulls(config)
    return config


def test_every_row_of_the_example_is_a_cell_of_its_config(shown, resources):
    check_study(shown, "my.yaml", resources)
    recorded = shown["teacher"]["recorded"]
    cells = all_cells(shown["splits"])
    assert set(read_counts(recorded["counts"], recorded["model"])) == set(cells)
    assert set(recorded_observations(cells, recorded, resources).values()) == {76, 80}


def test_the_columns_that_are_explained_are_those_that_are_needed():
    assert tuple(TABLE.splitlines()[0].split(",")) == COLUMNS
    assert tuple(re.findall(r"^\| `(\w+)` \|", SECTION, re.MULTILINE)) == COLUMNS


def test_a_cell_without_a_row_stops_the_example(shown, resources):
    Path("my.csv").write_text(TABLE.replace("friendship,stag_hunt,people,67,76\n", ""))
    with pytest.raises(UserError, match=r"no recorded choices of 'people' for stag_hunt in friendship"):
        check_study(shown, "my.yaml", resources)
