"""The tiny pair rebuilt by its rule behaves as the shipped one."""

import json
from dataclasses import replace

import numpy as np
import pytest
from project import REPOSITORY
from tiny_pair_lessons import in_sample, shipped_folder, shipped_lessons

from tom.prompts.prompts import CHOICE, CHOICE_FIRST
from tom.tiny_pair.tiny_measures import exact_scores, open_tiny
from tom.tiny_pair.tiny_pair import ROLES


def test_the_pair_is_no_part_of_a_run(fresh):
    assert fresh.plan("tiny_pair") == {"train_tiny_model": 2}
    assert fresh.plan()["train_tiny_model"] == 0


def test_the_protocol_on_the_pair_can_be_planned(fresh):
    plan = replace(fresh, configfiles=("config/config.yaml", "config/tiny_pair.yaml")).plan()
    assert plan["sample_untuned"] == 2 * 6
    assert plan["sample_tuned"] == 6
    assert plan["convert_model"] == 2
    assert plan["replay_teacher"] == 0


@pytest.mark.slow
def test_the_rule_rebuilds_what_is_shipped(fresh, tmp_path):
    fresh.succeed("tiny_pair")
    for role in ROLES:
        rebuilt = fresh.folder / "results" / "tiny_pair" / role
        shipped = shipped_folder(role)
        assert (rebuilt / "tokenizer.json").read_bytes() == (shipped / "tokenizer.json").read_bytes()
        found = json.loads(rebuilt.with_suffix(".json").read_text())
        told = json.loads((REPOSITORY / "resources" / "tiny_pair" / f"{role}.json").read_text())
        assert found["loss_of_each_pass"][-1] == pytest.approx(told["loss_of_each_pass"][-1], abs=0.02)
        for form in (CHOICE, CHOICE_FIRST):
            examples = in_sample(shipped_lessons(role), form)
            rates = []
            for name, folder in {"rebuilt": rebuilt, "shipped": shipped}.items():
                scratch = tmp_path / f"{role}-{form}-{name}"
                scratch.mkdir()
                scores = exact_scores(open_tiny(folder, scratch), examples)
                rates.append([score.probability(0, 1.0) for score in scores])
            assert np.abs(np.subtract(*rates)).mean() < 0.06
