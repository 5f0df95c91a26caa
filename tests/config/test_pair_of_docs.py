"""The pair of models that config/README.md begins with: for a CPU, and with the keys that change for a GPU."""

import re
from pathlib import Path

import pytest
import yaml

from tom.config.checks import check_study
from tom.config.layers import Layer, drop_nulls, merge

README = Path(__file__).resolve().parents[2] / "config" / "README.md"
SECTION = README.read_text().partition("\n## Your own pair of models\n")[2].partition("\n## ")[0]
PAIR = yaml.safe_load(re.search(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[1])
ROW = re.search(r"^\| use a GPU \| (.*?)\. ", SECTION, re.MULTILINE)[1]


@pytest.fixture
def default(root, monkeypatch) -> dict:
    monkeypatch.chdir(root)
    return yaml.safe_load((root / "config" / "config.yaml").read_text())


def checked(default: dict, own: dict, resources: Path) -> dict:
    config = merge([Layer("config.yaml", default), Layer("my_pair.yaml", own)])
    drop_nulls(config)
    check_study(config, "my_pair.yaml", resources)
    return config


def test_the_pair_needs_no_gpu(default, resources, root):
    config = checked(default, PAIR, resources)
    laptop = yaml.safe_load((root / "config" / "laptop.yaml").read_text())
    for role in ("teacher", "student"):
        assert config[role]["gpus"] == 0
        assert config[role] == laptop[role] | {"name": PAIR[role]["name"]}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_two_keys_change_for_a_gpu(default, resources, precision):
    changed = [yaml.safe_load(key) for key in re.findall(r"`(.*?)`", ROW)]
    assert changed == [{"gpus": 1}, {"compute_dtype": "bfloat16"}]
    own = {role: PAIR[role] | changed[0] | changed[1] for role in ("teacher", "student")}
    own["teacher"] |= {"precision": precision}
    checked(default, own, resources)
