"""Several students in one run: the config of each, and whose rules make a file that several need."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tom.config.layers import drop_nulls
from tom.config.students import configs_of, runs_of
from tom.core.errors import UserError

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
HELD = {"engine": "transformers", "source": "folder", "compute_dtype": "float32", "gpus": 0, "billions": 0.001}
PAIR = {"name": "pair", "folder": "resources/tiny_pair/teacher", "precision": "float32", **HELD}
STUDENTS = {
    "rank_2": {"training": {"rank": 2}},
    "pair": {"student": PAIR, "teacher": PAIR},
    "pair_rank_2": {"student": PAIR, "training": {"rank": 2}},
}


def with_students(students: dict) -> dict:
    return deepcopy(CONFIG) | {"students": students}


def test_each_student_is_the_config_with_what_it_says(root):
    config = with_students(STUDENTS) | {"plan": "train", "compared_experiments": ["old"]}
    found = configs_of(config, root)
    assert found["rank_2"]["training"] == CONFIG["training"] | {"rank": 2}
    assert found["rank_2"]["student"] == CONFIG["student"] | {"name": f"{CONFIG['student']['name']}, rank_2"}
    # Another model inherits nothing, and a shipped folder is found from anywhere.
    assert found["pair"]["student"].keys() == PAIR.keys()
    for name, other in found.items():
        assert other["experiment"] == f"main-{name}" and other["compared_experiments"] == []
        assert {"students", "plan"}.isdisjoint(other)
        assert other["splits"] == CONFIG["splits"]
    assert config == with_students(STUDENTS) | {"plan": "train", "compared_experiments": ["old"]}


def test_a_file_drops_a_student_of_one_before_it():
    config = with_students({"a": None, "b": {"training": {"rank": 2}}})
    drop_nulls(config)
    assert config["students"].keys() == {"b"}


def test_each_file_is_left_to_the_first_student_that_needs_it(root):
    runs = list(runs_of(with_students(STUDENTS), "my.yaml", root / "resources", root).values())
    assert len(runs) == 4
    for kind in ("sources", "students"):
        needed = [getattr(run.store, kind).keys() for run in runs]
        for key in set().union(*needed):
            makers = [run for run in runs if key not in run.elsewhere[kind]]
            assert makers == [run for run, keys in zip(runs, needed, strict=True) if key in keys][:1]
    own, _, pair, pair_rank_2 = runs
    key = pair.store.weights_key("base")
    assert key == pair.store.weights_key("teacher") == pair_rank_2.store.weights_key("base")
    for part in ("teacher", "base"):
        assert [f"{part}-{key}" in run.elsewhere["answers"] for run in runs] == [True, True, False, True]
    assert own.elsewhere["replies"] == {pair.store.replies_key}
    assert pair_rank_2.elsewhere["replies"] == {own.store.replies_key, pair.store.replies_key}


def test_a_run_of_one_student_leaves_nothing_to_others(root):
    (run,) = runs_of(CONFIG, "my.yaml", root / "resources", root).values()
    assert run.title == "my.yaml" and not any(run.elsewhere.values())


@pytest.mark.parametrize("name", ["main", "rank_2"])
def test_a_student_that_is_another_one_is_refused(root, name):
    same = {"training": {"seeds": [7], **({"rank": 2} if name == "rank_2" else {})}}
    with pytest.raises(UserError, match=r"my.yaml: students.same: the same student, training and teacher as"):
        runs_of(with_students({"rank_2": {"training": {"rank": 2}}, "same": same}), "my.yaml", root / "resources", root)
