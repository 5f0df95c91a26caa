"""Counterbalancing, from training to figure: one listing order, both, and letters exchanged besides."""

import json
from collections import Counter

import polars as pl
import pytest


@pytest.fixture(scope="module")
def ended(finished, tmp_path_factory):
    """A finished run in which it was asked for, under two names of the options."""
    project = finished.copy(tmp_path_factory.mktemp("counterbalancing") / "project")
    project.edit("tiny.yaml", "training:", "labels: [letters, first_letters]\ntraining:")
    plan = project.plan("counterbalancing")
    assert plan["train_balanced"] == 2 and plan["sample_balanced"] == 2 * 4
    assert plan["train_adapter"] == plan["sample_tuned"] == 0
    project.succeed("counterbalancing")
    return project


def test_each_student_has_twice_the_prompts_of_the_one_before(ended):
    results = ended.folder / "results"
    adapters = ("counterbalancing/one_order/adapters", "adapters/all", "counterbalancing/both/adapters")
    proofs = [json.loads((results / adapter / "seed1/loss_report.json").read_text()) for adapter in adapters]
    assert [len(proof["examples"]) for proof in proofs] == [4, 8, 16]


def test_tables_hold_all_three_and_nothing_is_left_to_do(ended):
    tables = ended.folder / "results" / "tables"
    students = pl.read_parquet(tables / "counterbalancing.parquet").filter(
        predictor="tuned", view="both", measure="exact"
    )
    assert sorted(students["counterbalancing"]) == ["as_is", "both", "one_order"]
    own = pl.read_parquet(tables / "in_sample/alignment.parquet").filter(
        predictor="tuned", view="both", measure="exact"
    )
    assert students.filter(counterbalancing="as_is")["gap"].item() == pytest.approx(own["gap"].item())
    labels = pl.read_parquet(tables / "counterbalancing_labels.parquet")
    assert set(labels["labels"]) == {"letters", "first_letters"}
    assert (ended.folder / "results/figures/counterbalancing.png").read_bytes().startswith(b"\x89PNG")
    assert ended.plan("counterbalancing") == Counter()
