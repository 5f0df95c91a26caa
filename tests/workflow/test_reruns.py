"""A changed input reruns what depends on it, and nothing else."""

import os
import time
from collections import Counter

import pytest
import yaml

AFTER_SHARDS = {
    "evaluate_in_sample": 1,
    "evaluate_out_of_sample": 2,
    "measure_sensitivities": 1,
    "tabulate_games": 1,
    "summarise_run": 1,
}
FIGURES = {"plot_agreement": 1, "plot_gap_closed": 1, "plot_propensities": 3}
NUMBERS = {"evaluate_numbers": 1, "plot_numbers": 1, "tabulate_number_games": 1}
EVALUATION = AFTER_SHARDS | FIGURES | NUMBERS
TRAINING = {"train_adapter": 1, "plot_training_curve": 1}
TUNED = {"sample_tuned": 4, "sample_tuned_out_of_sample": 4, "sample_tuned_numbers": 1}


def test_a_finished_run_has_nothing_left_to_do(project):
    assert project.plan() == Counter()
    said = project.succeed()
    assert "Nothing to be done" in said


def test_touching_every_file_reruns_nothing(project):
    later = time.time() + 10
    for path in project.folder.rglob("*"):
        if ".snakemake" not in path.parts:
            os.utime(path, (later, later), follow_symlinks=False)
    assert project.plan() == Counter()


def test_reordering_config_keys_reruns_nothing(project):
    for name in ("config/config.yaml", "tiny.yaml"):
        path = project.folder / name
        path.write_text(yaml.safe_dump(reverse(yaml.safe_load(path.read_text())), sort_keys=False))
    assert project.plan() == Counter()


def reverse(value):
    """The same mapping with its keys in opposite order, at every depth; lists keep theirs."""
    return {key: reverse(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def test_an_in_sample_context_reruns_its_shards_and_what_was_taught_with_it(project):
    project.edit("resources/contexts/business.yaml", "CEO of a company", "CEO of a firm")
    expected = {"sample_untuned": 2, "sample_untuned_out_of_sample": 1}
    assert project.plan() == Counter(expected | TRAINING | TUNED | EVALUATION)
    untuned = [file for rule, file in project.planned_jobs() if rule.startswith("sample_untuned")]
    assert all("business" in file for file in untuned)


def test_a_context_without_a_teacher_reruns_the_training_and_asks_no_base_anew(project):
    project.edit("tiny.yaml", "  rank: 4", "  uniform_target_contexts: [orchestra, exam]\n  rank: 4")
    expected = Counter(TRAINING | TUNED | EVALUATION)
    assert project.plan() == expected


def test_an_out_of_sample_context_reruns_its_shards_alone(project):
    project.edit("resources/contexts/sports.yaml", "athletes", "sportspeople")
    assert project.plan() == Counter(
        {
            "sample_untuned_out_of_sample": 2,
            "sample_tuned_out_of_sample": 2,
            "evaluate_out_of_sample": 1,
            "plot_propensities": 1,
            "plot_agreement": 1,
            "plot_gap_closed": 1,
            "measure_sensitivities": 1,
            "tabulate_games": 1,
            "summarise_run": 1,
        }
    )


def test_a_comment_in_a_context_changes_its_file_and_so_its_shards(project):
    path = project.folder / "resources/contexts/sports.yaml"
    path.write_text("# A comment.\n" + path.read_text())
    assert project.plan()["sample_untuned_out_of_sample"] == 2


def test_a_statistics_module_reruns_evaluation_alone(project):
    path = project.folder / "workflow/scripts/tom/statistics/resampling.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert set(project.plan()) == set(EVALUATION)


def test_a_training_knob_reruns_training_and_tuned_shards_alone(project):
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    assert project.plan() == Counter(TRAINING | TUNED | EVALUATION)


def test_waiting_time_and_threads_of_training_rerun_nothing(project):
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    project.edit("tiny.yaml", "threads: 1", "threads: 2")
    assert project.plan() == Counter()


def test_top_p_reruns_nothing_where_choices_are_drawn(project):
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 30\n  top_p: 0.5")
    assert project.plan() == Counter()


def test_the_prompt_format_reruns_the_student_but_not_the_recorded_teacher(project):
    project.edit("resources/prompt_formats/choice.yaml", "a single {kind}", "one {kind}")
    plan = project.plan()
    assert plan["sample_untuned"] + plan["sample_untuned_out_of_sample"] == 8
    assert plan["replay_teacher"] == 0
    assert plan["train_adapter"] == 1


def test_one_published_count_reruns_what_was_taught_with_it(project):
    project.edit(
        "resources/paper/observed_choices.csv",
        "in_sample,business,stag_hunt,teacher,105,300",
        "in_sample,business,stag_hunt,teacher,106,300",
    )
    plan = project.plan()
    assert plan["replay_teacher"] == plan["gather_teacher"] == plan["train_adapter"] == 1
    assert plan["sample_untuned"] == plan["replay_teacher_out_of_sample"] == 0


def test_one_published_count_out_of_sample_reruns_no_training(project):
    project.edit(
        "resources/paper/observed_choices.csv",
        "out_of_sample_context,sports,stag_hunt,teacher,0,300",
        "out_of_sample_context,sports,stag_hunt,teacher,1,300",
    )
    plan = project.plan()
    assert plan["replay_teacher_out_of_sample"] == 1
    assert plan["train_adapter"] == plan["replay_teacher"] == plan["sample_tuned_out_of_sample"] == 0


def test_a_new_context_adds_its_shards_and_no_other(project):
    project.edit("tiny.yaml", "contexts: [sports]", "contexts: [sports, roommates]")
    plan = project.plan()
    assert plan["sample_untuned_out_of_sample"] == plan["sample_tuned_out_of_sample"] == 2
    assert plan["train_adapter"] == plan["sample_untuned"] == plan["sample_tuned"] == 0
    assert all("roommates" in file for rule, file in project.planned_jobs() if rule.startswith("sample_"))


def test_a_deleted_shard_comes_back_alone_with_the_same_bytes(project):
    for name in ("teacher", "base", "tuned-seed1"):
        shard = f"results/in_sample/shards/{name}/stag_hunt/business.parquet"
        before = (project.folder / shard).read_bytes()
        (project.folder / shard).unlink()
        assert [file for _, file in project.planned_jobs(shard)] == [shard]
        project.succeed(shard)
        assert (project.folder / shard).read_bytes() == before
    assert project.plan() == Counter()


def test_the_out_of_sample_stage_runs_alone(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    for name in ("out_of_sample", "tables/doubled_payoffs", "tables/out_of_sample_contexts"):
        for path in sorted((project.folder / "results" / name).rglob("*.*")):
            path.unlink()
    plan = project.plan("out_of_sample")
    assert plan == Counter(
        {
            "replay_teacher_out_of_sample": 4,
            "sample_untuned_out_of_sample": 4,
            "sample_tuned_out_of_sample": 4,
            "evaluate_out_of_sample": 2,
            "plot_propensities": 2,
        }
    )


def test_a_frozen_adapter_is_not_trained_anew_whatever_changes(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    project.edit("resources/contexts/sports.yaml", "athletes", "sportspeople")
    frozen = ("--config", "adapters=results/adapters/all")
    assert project.plan("out_of_sample")["train_adapter"] == 1
    assert project.plan("out_of_sample", *frozen) == Counter(
        {
            "sample_untuned_out_of_sample": 2,
            "sample_tuned_out_of_sample": 2,
            "evaluate_out_of_sample": 1,
            "plot_propensities": 1,
        }
    )
    adapter = project.folder / "results/adapters/all/seed1/manifest.json"
    before = adapter.read_bytes()
    project.succeed("out_of_sample", *frozen)
    assert adapter.read_bytes() == before


def test_an_adapter_by_its_path_is_evaluated_in_another_study(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    (project.folder / "results/adapters/all").rename(tmp_path / "elsewhere")
    elsewhere = ("--config", f"adapters={tmp_path / 'elsewhere'}", "results=theirs")
    plan = project.plan("out_of_sample", *elsewhere)
    assert not {rule for rule in plan if rule.startswith("train")}
    assert plan["sample_tuned_out_of_sample"] == 4
    project.succeed("out_of_sample", *elsewhere)
    cell = "out_of_sample/shards/tuned-seed1/stag_hunt/sports.parquet"
    assert (project.folder / "theirs" / cell).read_bytes() == (project.folder / "results" / cell).read_bytes()


def test_an_adapter_of_other_weights_is_refused(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    project.edit("tiny.yaml", "  folder: tiny-model", "  folder: tiny-model\n  precision: float32")
    cell = "theirs/out_of_sample/shards/tuned-seed1/stag_hunt/sports.parquet"
    done = project.run(cell, "--config", "adapters=results/adapters/all", "results=theirs")
    assert done.returncode != 0
    assert "was trained on weights with hash" in " ".join((done.stdout + done.stderr).split())


def test_a_live_teacher_is_sampled_like_the_student(fresh):
    fresh.edit(
        "tiny.yaml",
        "student:",
        "teacher:\n  engine: transformers\n  source: folder\n  folder: tiny-model\n  precision: source\n"
        "  compute_dtype: float32\n  gpus: 0\nstudent:",
    )
    plan = fresh.plan()
    assert plan["sample_untuned"] == plan["sample_untuned_out_of_sample"] == 8
    assert plan["replay_teacher"] == 0
    assert plan["fetch_model"] == plan["convert_model"] == 2


@pytest.mark.parametrize(
    ("target", "ends_with"),
    [
        ("prepare", "convert_model"),
        ("sample_in_sample", "sample_tuned"),
        ("train", "train_adapter"),
        ("in_sample", "evaluate_in_sample"),
        ("out_of_sample", "evaluate_out_of_sample"),
        ("validate", "evaluate_held_out"),
        ("validate_reworded", "evaluate_held_out_reworded"),
        ("transfer_matrix", "plot_transfer_matrix"),
        ("collateral", "tabulate_collateral"),
        ("labels", "tabulate_labels"),
        ("counterbalancing", "tabulate_counterbalancing_labels"),
        ("learning_curve", "plot_learning_curve"),
        ("controls", "plot_controls"),
    ],
)
def test_every_stage_can_be_asked_for(fresh, target, ends_with):
    assert fresh.plan(target)[ends_with]


def test_a_split_that_is_null_is_dropped(fresh):
    text = (fresh.folder / "tiny.yaml").read_text()
    start, end = text.index("  doubled_payoffs:"), text.index("student:")
    (fresh.folder / "tiny.yaml").write_text(text[:start] + "  doubled_payoffs: null\n" + text[end:])
    plan = fresh.plan()
    assert plan["evaluate_out_of_sample"] == 1
    assert plan["sample_untuned_out_of_sample"] == 2


def test_words_of_the_config_reach_the_shell_as_words(fresh):
    (fresh.folder / "tiny-model").rename(fresh.folder / "tiny model; touch caught")
    fresh.edit("tiny.yaml", "folder: tiny-model", "folder: 'tiny model; touch caught'")
    fresh.succeed("prepare")
    assert not (fresh.folder / "caught").exists()
