"""Learning curve and controls, from training to figure."""

import json
from collections import Counter

import polars as pl
import pytest

TARGETS = ("controls", "learning_curve")


@pytest.fixture(scope="module")
def ended(finished, tmp_path_factory):
    """A finished run in which both targets were asked for, with two numbers of observations."""
    project = finished.copy(tmp_path_factory.mktemp("poorer") / "project")
    project.edit("tiny.yaml", "training:", "learning_curve:\n  observations: [5, 20]\ntraining:")
    assert project.plan() == Counter()
    plan = project.plan(*TARGETS)
    assert plan["train_poorer"] == 4 and plan["sample_poorer"] == 4 * 4
    assert plan["train_adapter"] == plan["sample_tuned"] == 0
    project.succeed(*TARGETS)
    return project


def proof(project, taught: str) -> dict:
    file = f"results/poorer_teachers/{taught}/adapters/seed1/loss_report.json"
    return json.loads((project.folder / file).read_text())


def counts_of(example: dict) -> dict[str, int]:
    return {reply["supervised"][0]: reply["count"] for reply in example["replies"]}


def test_each_student_is_taught_what_is_left_of_its_teacher(ended):
    # Four cells in two orders.
    for number in (5, 20):
        found = proof(ended, f"observations{number}")
        assert {example["observations"] for example in found["examples"]} == {number}
        assert found["observations"] == 2 * 4 * number
    constant = [counts_of(example) for example in proof(ended, "constant")["examples"]]
    assert len(constant) == 8 and len({tuple(sorted(counts.items())) for counts in constant}) == 1
    own = json.loads((ended.folder / "results/adapters/all/seed1/loss_report.json").read_text())["examples"]
    for before, after in zip(own, proof(ended, "shuffled")["examples"], strict=True):
        assert (before["group"], before["context"]) == (after["group"], after["context"])
        assert counts_of(before) != counts_of(after)


def test_tables_hold_every_student_and_what_its_training_took(ended):
    tables = ended.folder / "results" / "tables"
    controls = pl.read_parquet(tables / "controls.parquet").filter(predictor="tuned", view="both", measure="exact")
    assert sorted(controls["teacher"]) == ["as_is", "constant", "shuffled"]
    curve = pl.read_parquet(tables / "learning_curve.parquet").filter(predictor="tuned", view="both", measure="exact")
    assert sorted(curve["observations"]) == [5, 20, 300]
    assert curve["wall_seconds"].null_count() == 0 and curve["wall_seconds"].min() > 0
    assert curve["gpu_seconds"].null_count() == 3
    whole = curve.filter(observations=300)["gap_closed"].item()
    assert controls.filter(teacher="as_is")["gap_closed"].item() == whole


def test_no_out_of_sample_cell_is_looked_at_and_nothing_is_left_to_do(ended):
    looked_at = {file.parent.name for file in (ended.folder / "results/poorer_teachers").glob("*/shards/*/*/*.parquet")}
    assert looked_at == {"prisoners_dilemma", "stag_hunt"}
    assert not list((ended.folder / "results/poorer_teachers").glob("*/shards/*/*/sports.parquet"))
    for name in TARGETS:
        assert (ended.folder / f"results/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert ended.plan(*TARGETS) == Counter()


def test_another_number_of_observations_trains_that_one_alone(ended, tmp_path):
    project = ended.copy(tmp_path / "project")
    project.edit("tiny.yaml", "[5, 20]", "[5, 10, 20]")
    plan = project.plan(*TARGETS)
    assert plan == Counter(
        {"train_poorer": 1, "sample_poorer": 4, "tabulate_learning_curve": 1, "plot_learning_curve": 1}
    )
