"""Bad input ends a run with one error that names the culprit, before a model is loaded where that can be."""

import pytest
from project import Project

BROKEN_CONFIGS = {
    "unknown key": ("epochs: 3", "pases: 3", ["training", "'pases'", "epochs"]),
    "another student without a size": (
        "  billions: 0.135\n",
        "",
        ["tiny.yaml: student: missing key 'billions'; another model needs all of its keys"],
    ),
    "number in scientific notation": (
        "epochs: 3",
        "epochs: 3\n  learning_rate: 1e-3",
        ["tiny.yaml: training.learning_rate: '1e-3' is text in YAML", "write 0.001"],
    ),
    "wrong type": ("epochs: 3", "epochs: many", ["training.epochs", "many"]),
    "whole number as a float": ("epochs: 3", "epochs: 3.0", ["training.epochs", "3.0"]),
    "observations that do not increase": (
        "[5, 20]",
        "[30, 10]",
        ["learning_curve.observations", "30, 10", "allowed: 10, 30"],
    ),
    "adapters that are not there": (
        "training:",
        "adapters: no-adapters\ntraining:",
        ["tiny.yaml: adapters: no-adapters: no such folder", "in results/adapters: none yet"],
    ),
    "student at an endpoint": (
        "  folder: tiny-model",
        "  folder: tiny-model\n  endpoint: {}",
        ["student.endpoint", "allowed: wheel, wheels, hub or folder"],
    ),
    "reserved split name": ("  doubled_payoffs:", "  held_out:", ["splits.held_out", "validate"]),
    "another reserved one": (
        "  doubled_payoffs:",
        "  held_out_reworded:",
        ["splits.held_out_reworded", "validate_reworded"],
    ),
    "an experiment called as a shared folder": (
        "observations: 40",
        "experiment: shards\nobservations: 40",
        ["tiny.yaml: experiment: 'shards'", "not allowed: adapters"],
    ),
    "an old key": ("epochs: 3", "passes: 3", ["training.passes is now training.epochs"]),
    "game named twice": ("games: [stag_hunt-x2]", "games: [stag_hunt-x2, stag_hunt-x2.0]", ["stag_hunt-x2.0", "twice"]),
    "unknown game": ("games: [stag_hunt-x2]", "games: [chicken]", ["chicken", "snowdrift"]),
    "unknown context": ("contexts: [sports]", "contexts: [spots]", ["spots", "sports"]),
    "missing model folder": ("folder: tiny-model", "folder: no-model", ["student.folder", "no-model"]),
    "context not recorded": (
        "games: [stag_hunt-x2]\n    contexts: [business, friendship]",
        "games: [stag_hunt-x2]\n    contexts: [sports]",
        ["tiny.yaml: splits.doubled_payoffs: ", "observed_choices.csv", "stag_hunt-x2 in sports", "recorded: false"],
    ),
}


@pytest.mark.parametrize("case", BROKEN_CONFIGS)
def test_a_broken_config_is_refused_before_any_job(fresh, case):
    old, new, named = BROKEN_CONFIGS[case]
    fresh.edit("tiny.yaml", old, new)
    done = fresh.run()
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert all(word in said for word in named), said
    assert "\nError: " in said and 'File "' not in said
    assert not (fresh.folder / "results").exists()


def test_a_config_file_that_can_not_be_read_is_named_in_one_line(fresh):
    """By the profiles: Snakemake itself ends with a traceback, or without the file's name."""
    files = {
        "list.yaml": ("- 1\n", "not a config"),
        "open.yaml": ("training:\n  seeds: [1\n", "not YAML: line 3, column 1: expected ',' or ']'"),
        "twice.yaml": ("observations: 1\nobservations: 2\n", "'observations' is given in line 1 and again in line 2"),
    }
    for name, (text, _) in files.items():
        (fresh.folder / name).write_text(text)
    errors = {name: said for name, (_, said) in files.items()} | {"absent.yaml": "no such config file"}
    for name, said in errors.items():
        for profile in ("profiles/default", "profiles/slurm"):
            done = fresh.run("--dry-run", "--workflow-profile", profile, "--configfile", "tiny.yaml", name)
            assert done.returncode == 1
            assert done.stderr.splitlines()[-1].startswith(f"Error: {name}: {said}"), done.stderr
            assert len(done.stderr.splitlines()) <= 2
    elsewhere = Project(fresh.folder / "elsewhere", ("absent.yaml",))
    elsewhere.folder.mkdir()
    done = elsewhere.run("--dry-run", "--snakefile", "../Snakefile")
    assert done.stderr.splitlines()[-1] == "Error: absent.yaml: no such config file", done.stderr


def test_a_target_that_is_not_there_is_refused_in_one_line(fresh):
    for target, meant in {"reprot": "report", "results/main/sumary.md": "results/main/summary.md"}.items():
        done = fresh.run(target, "--dry-run")
        line = f"Error: there is no target '{target}'; did you mean {meant}? (allowed: what `snakemake targets` lists"
        assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(line), done.stderr


def test_gpus_that_are_not_here_are_missed_before_a_job_runs_and_in_the_plan(fresh, monkeypatch):
    fresh.edit("tiny.yaml", "  gpus: 0\n", "  gpus: 1\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = fresh.run()
    assert done.returncode == 1 and "Error: tiny.yaml: student.gpus: 1, but " in done.stderr, done.stderr
    assert "allowed: gpus: 0, " in done.stderr or "allowed: up to as many" in done.stderr
    assert not (fresh.folder / "results" / "models").exists()
    plan = fresh.succeed("plan")
    assert "GPUs: a run here would be refused. gpus: 1, but " in plan
    (line,) = (line for line in plan.splitlines() if line.startswith("Next:"))
    assert line.startswith(
        "Next: set `gpus` of each model in your config to 0, to compute on the CPU; or start the run"
    )
    assert "snakemake" not in line


def test_a_game_that_contradicts_its_family_is_refused(fresh):
    fresh.edit("resources/games/stag_hunt.yaml", "R: 10", "R: 4")
    said = fresh.run().stderr
    assert "stag_hunt.yaml" in said and "R > T > P > S" in said and "R = 4" in said


def test_a_context_without_a_situation_is_refused(fresh):
    fresh.edit("resources/contexts/business.yaml", "situation: >-", "place: >-")
    said = fresh.run().stderr
    assert "business.yaml" in said and "'situation'" in said


def test_a_corrupt_shard_is_named(project):
    shard = project.folder / project.shard("base", "stag_hunt", "business")
    shard.write_bytes(shard.read_bytes()[:100])
    done = project.run()
    assert done.returncode != 0
    assert "stag_hunt/business.parquet" in "".join((done.stdout + done.stderr).split())
    assert "damaged" in done.stdout + done.stderr
    # The script that failed, and not a command of a thousand characters.
    assert "evaluate_split.py ended with status 2 (its command: --printshellcmds)" in done.stdout + done.stderr
    assert "CODE=" not in done.stdout + done.stderr


def test_changed_weights_are_never_served(project):
    weights = project.folder / project.store().model_folder("student") / "weights/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    shard = project.shard("base", "stag_hunt", "business")
    (project.folder / shard).unlink()
    # An engine that another project loaded from the unchanged weights would answer, and rightly.
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    done = project.run(shard)
    assert done.returncode != 0
    assert "model.safetensors: SHA-256" in " ".join((done.stdout + done.stderr).split())


def test_a_loss_that_is_no_number_ends_the_training(project):
    project.edit("tiny.yaml", "epochs: 3", "epochs: 3\n  learning_rate: 1.0e+30")
    done = project.run("train")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "the loss is" in said and "training.learning_rate" in said


def test_more_observations_than_the_teacher_has_are_not_drawn(fresh):
    fresh.edit("tiny.yaml", "[5, 20]", "[10, 300]")
    done = fresh.run("learning_curve")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "learning_curve.observations: 300" in said and "allowed: less than 300" in said
    # In one line, though it is an input function of Snakemake's that refuses it.
    assert done.stderr.splitlines()[-1].startswith("Error: tiny.yaml: learning_curve.observations: 300")
    assert not (fresh.folder / "results").exists()


def test_motivations_of_a_recorded_teacher_are_not_compared(fresh):
    done = fresh.run("compare_training_targets")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "training.target: 'full_reply'" in said and "allowed: label" in said
    assert not (fresh.folder / "results").exists()


def test_what_the_model_can_not_do_is_refused_before_the_first_job(fresh):
    fresh.edit("tiny.yaml", "  rank: 4\n", "  rank: 4\n  target_modules: q_proj,v_porj\n")
    done = fresh.run()
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "student: training.target_modules: the model has no layer v_porj" in said and "v_proj" in said, said
    assert not any((fresh.folder / "results" / name).exists() for name in ("shards", "models", "replies"))
