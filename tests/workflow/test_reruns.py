"""A changed input reruns what depends on it, and nothing else. The edits and their jobs: edits.py."""

import os
import time
from collections import Counter

import pytest
import yaml
from edits import EDITS

JOINS = next(edit for edit in EDITS if edit.what.startswith("A context that moves from out of sample"))


def test_a_finished_run_has_nothing_left_to_do(project):
    assert project.plan() == Counter()
    assert "Nothing to be done" in project.succeed()


def make(project, edit) -> None:
    """Make one edit in a project."""
    if edit.new_file:
        (project.folder / edit.file).write_text(edit.new)
    else:
        project.edit(edit.file, edit.old, edit.new)


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit.jobs], ids=lambda edit: edit.what)
def test_an_edit_makes_exactly_these_jobs(project, edit):
    make(project, edit)
    assert project.plan() == Counter(edit.jobs)


def test_edits_that_change_no_result_make_no_job(project):
    # All of them at once: a job that any of them made would show.
    for edit in (edit for edit in EDITS if not edit.jobs):
        make(project, edit)
    for path in (project.folder / "workflow/scripts").rglob("*.py"):
        path.write_text(path.read_text() + '\n# A comment.\n"""A docstring."""\n')
    for name in ("config/config.yaml", "tiny.yaml"):
        path = project.folder / name
        path.write_text(yaml.safe_dump(reverse(yaml.safe_load(path.read_text())), sort_keys=False))
    later = time.time() + 10
    for path in project.folder.rglob("*"):
        if ".snakemake" not in path.parts:
            os.utime(path, (later, later), follow_symlinks=False)
    assert project.plan() == Counter()


def reverse(value):
    """The same mapping with its keys in opposite order, at every depth; lists keep theirs."""
    return {key: reverse(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def test_the_shards_of_an_edited_context_are_those_that_rerun(project):
    project.edit("resources/contexts/business.yaml", "CEO of a company", "CEO of a firm")
    base = {(game, context) for model, game, context in project.planned_shards() if model == "base"}
    assert base == {("prisoners_dilemma", "business"), ("stag_hunt", "business"), ("stag_hunt-x2", "business")}


def test_a_new_context_adds_its_shards_and_no_other(project):
    project.edit("tiny.yaml", "contexts: [sports]", "contexts: [sports, roommates]")
    assert {context for _, _, context in project.planned_shards()} == {"roommates"}


def test_a_cell_that_joins_the_training_is_not_asked_again_of_base_and_teacher(project):
    start = (
        "    contexts: [business, friendship]\n  out_of_sample_contexts:\n    games: [prisoners_dilemma, stag_hunt]\n"
    )
    project.edit(
        "tiny.yaml",
        f"{start}    contexts: [sports]\n",
        "    contexts: [business, friendship, sports]\n  out_of_sample_contexts: null\n",
    )
    assert {model for model, _, _ in project.planned_shards()} == {"tuned-seed1"}


def test_another_experiment_shares_shards_and_weights_where_its_settings_are_equal(project):
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    plan = project.plan("--config", "experiment=other")
    assert plan["sample_shard"] == 9 and plan["train_adapter"] == 1
    assert plan["replay_shard"] == plan["gather_shards"] == plan["fetch_model"] == plan["convert_model"] == 0
    assert {model for model, _, _ in project.planned_shards("--config", "experiment=other")} == {"tuned-seed1"}


def test_a_setting_that_is_set_back_finds_what_it_made(project):
    project.edit("tiny.yaml", "observations: 40", "observations: 60")
    shard = project.shard("base", "stag_hunt", "business")
    project.succeed(shard)
    project.edit("tiny.yaml", "observations: 60", "observations: 40")
    assert project.plan() == Counter()


def test_a_deleted_shard_comes_back_alone_with_the_same_bytes(project):
    students = [project.shard(model, "stag_hunt", "business") for model in ("base", "tuned-seed1")]
    students += [project.shard(model, "public_goods", "neutral") for model in ("base", "tuned-seed1")]
    # A teacher's shard is asked for alone: with a student's, Snakemake would train that student anew.
    for shards in (students, [project.shard("teacher", "stag_hunt", "business")]):
        before = {shard: (project.folder / shard).read_bytes() for shard in shards}
        for shard in shards:
            (project.folder / shard).unlink()
        assert sorted(output for _, output in project.planned_jobs(*shards)) == sorted(shards)
        project.succeed(*shards)
        assert {shard: (project.folder / shard).read_bytes() for shard in shards} == before
    assert project.plan() == Counter()


def test_the_out_of_sample_stage_runs_alone(project):
    for model in ("teacher", "base", "tuned-seed1"):
        (project.folder / project.shard(model, "stag_hunt", "sports")).unlink()
    for path in (project.experiment / "tables/out_of_sample_contexts").iterdir():
        path.unlink()
    assert project.plan("out_of_sample") == Counter(
        {"replay_shard": 1, "sample_shard": 2, "evaluate_split": 1, "plot_propensities": 1}
    )


@pytest.mark.slow
def test_a_frozen_adapter_is_not_trained_anew_whatever_changes(project):
    frozen = ("--config", f"adapters={project.store().student().folder}")
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    project.edit("resources/contexts/sports.yaml", "athletes", "sportspeople")
    assert project.plan("out_of_sample")["train_adapter"] == 1
    assert project.plan("out_of_sample", *frozen) == Counter(
        {"sample_shard": 4, "evaluate_split": 1, "plot_propensities": 1}
    )
    manifest = project.folder / project.adapter() / "manifest.json"
    assert not manifest.exists()  # of the edited recipe
    project.succeed("out_of_sample", *frozen)
    assert not manifest.exists()


@pytest.mark.slow
def test_an_adapter_by_its_path_is_evaluated_in_another_folder(project, tmp_path):
    shard = project.shard("tuned-seed1", "stag_hunt", "sports")
    before = (project.folder / shard).read_bytes()
    elsewhere = tmp_path / "elsewhere"
    (project.folder / project.store().student().folder).rename(elsewhere)
    settings = ("--config", f"adapters={elsewhere}", "results=theirs")
    assert not {rule for rule in project.plan("out_of_sample", *settings) if rule.startswith("train")}
    project.succeed("out_of_sample", *settings)
    found = list((project.folder / "theirs/shards").glob("tuned-seed1-*/*/stag_hunt/sports.parquet"))
    assert [file.read_bytes() for file in found] == [before]


def test_an_adapter_of_other_weights_is_refused(project):
    adapters = project.store().student().folder
    project.edit("tiny.yaml", "precision: nf4", "precision: float32")
    done = project.run("in_sample", "--config", f"adapters={adapters}")
    assert done.returncode != 0
    assert "was trained on weights with hash" in " ".join((done.stdout + done.stderr).split())


def test_a_live_teacher_is_sampled_like_the_student(fresh):
    fresh.edit(
        "tiny.yaml",
        "student:",
        "teacher:\n  name: tiny\n  engine: transformers\n  source: folder\n  folder: tiny-model\n  precision: source\n"
        "  compute_dtype: float32\n  gpus: 0\n  billions: 0.135\nstudent:",
    )
    plan = fresh.plan()
    assert plan["sample_shard"] == 3 * 9 and plan["replay_shard"] == 0
    # One folder of weights, at two precisions.
    assert plan["fetch_model"] == 1 and plan["convert_model"] == 2


@pytest.mark.parametrize(
    ("target", "ends_with"),
    [
        ("prepare", "convert_model"),
        ("sample_in_sample", "sample_shard"),
        ("train", "train_adapter"),
        ("in_sample", "evaluate_split"),
        ("out_of_sample", "evaluate_numbers"),
    ],
)
def test_every_stage_can_be_asked_for(fresh, target, ends_with):
    assert fresh.plan(target)[ends_with]


def test_a_split_that_is_null_is_dropped(fresh):
    text = (fresh.folder / "tiny.yaml").read_text()
    start, end = text.index("  doubled_payoffs:"), text.index("student:")
    (fresh.folder / "tiny.yaml").write_text(text[:start] + "  doubled_payoffs: null\n" + text[end:])
    assert fresh.plan()["evaluate_split"] == 2


@pytest.mark.slow
def test_words_of_the_config_reach_the_shell_as_words(fresh):
    (fresh.folder / "tiny-model").rename(fresh.folder / "tiny model; touch caught")
    fresh.edit("tiny.yaml", "folder: tiny-model", "folder: 'tiny model; touch caught'")
    fresh.succeed("prepare")
    assert not (fresh.folder / "caught").exists()
