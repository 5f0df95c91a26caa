"""A recorded teacher whose replies in words are known: a whole run that teaches its motivations, and a run that teaches
the gathered replies of that study again.
"""

import json

import polars as pl
import pytest
import yaml
from made_examples import FIELDS, TEXTS, made_examples
from project import Project

from tom.config.study import IN_SAMPLE, cells_of

pytestmark = pytest.mark.slow


def set_replies(project: Project, replies: dict) -> None:
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text())
    config["teacher"] = {"recorded": {"replies": replies}}
    config["prompt_format"] = "choice_then_motivation"
    config["sampling"]["student_replies"] = "choice"
    config["training"] |= {"target": "full_reply", "gauss_newton_steps": 0}
    (project.folder / "tiny.yaml").write_text(yaml.dump(config))


@pytest.fixture(scope="module")
def run(tmp_path_factory, prepared) -> Project:
    project = prepared.copy(tmp_path_factory.mktemp("replies") / "project")
    (project.folder / "examples.json").write_text(json.dumps(made_examples("CCD?")))
    set_replies(project, {"file": "examples.json", "fields": FIELDS, **TEXTS})
    project.succeed()
    return project


def loss_report(project: Project) -> dict:
    return json.loads((project.folder / project.adapter() / "loss_report.json").read_text())


def test_motivations_are_taught_in_both_orders_and_what_can_not_be_read_is_counted(run):
    report = loss_report(run)
    assert report["unreadable_observations_left_out"] == 4
    assert len(report["examples"]) == 2 * 4
    for example in report["examples"]:
        game, context = example["group"].partition("/")[0], example["context"]
        said = [reply["supervised"].partition("<|im_end|>")[0] for reply in example["replies"]]
        assert said == [f"{letter}. Reason {number} of {game} in {context}." for number, letter in enumerate("CCD")]
    table = pl.read_parquet(run.experiment / "tables/in_sample/propensities.parquet")
    cells = table.filter(model="teacher", level="cell", view="both")
    assert cells.select("observations", "cooperated", "off_format", "pooled").unique().rows() == [(4, 2, 1, True)]
    assert "left out of every rate: teacher 0.3% off format" in (run.experiment / "summary.md").read_text()


def test_other_cells_have_their_counts(run):
    table = pl.read_parquet(run.experiment / "tables/out_of_sample_contexts/propensities.parquet")
    assert table.filter(model="teacher", level="cell", view="fixed")["observations"].to_list() == [300, 300]


def test_every_training_target_may_be_compared_and_an_edited_reply_is_followed(run, tmp_path):
    project = run.copy(tmp_path / "project")
    assert project.plan("compare_training_targets")["train_adapter"] == 2
    file = project.folder / "examples.json"
    file.write_text(file.read_text().replace("Reason 0 of stag_hunt in business", "A better reason"))
    plan = project.plan()
    assert (plan["replay_shard"], plan["train_adapter"]) == (4, 1)


def test_the_replies_of_a_study_are_taught_again(run, tmp_path):
    project = run.copy(tmp_path / "project")
    gathered = project.store().replies_file()
    set_replies(project, {"file": str(gathered), "fields": {"reply": "raw", "order": "order", "finish": "finish"}})
    project.succeed(f"{project.adapter()}/loss_report.json")
    assert loss_report(project) == loss_report(run)
    cells = cells_of(project.config()["splits"][IN_SAMPLE])
    for own, again in zip(
        run.store().shards(cells, ["teacher"]), project.store().shards(cells, ["teacher"]), strict=True
    ):
        assert own != again
        assert pl.read_parquet(run.folder / own).equals(pl.read_parquet(project.folder / again))
