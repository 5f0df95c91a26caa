"""A run starts in any folder, whatever it is called, and another workflow uses this one as a module."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import COPIED, REPOSITORY, Project, environment

from tom.config.layers import Layer, merge

PROJECT = 'pro{j}ect "a b" $HOME ü\''
FOLDER = "wörk {in}g 'dir' $x"
SMALL = {
    "splits": {
        "in_sample": {"games": ["prisoners_dilemma", "stag_hunt"], "contexts": ["business", "friendship"]},
        "out_of_sample_contexts": {"games": ["prisoners_dilemma"], "contexts": ["sports"]},
        "doubled_payoffs": None,
        "public_goods": None,
    },
    "observations": 8,
    "training": {"target": "label", "gauss_newton_steps": 0, "epochs": 1, "threads": 1},
    "evaluation": {"bootstrap": 100},
}
MODULE = """
configfile: "config/config.yaml"


module social_games:
    snakefile:
        {snakefile}
    config:
        config


use rule * from social_games as social_*


onstart:
    social_games.onstart()


onsuccess:
    social_games.onsuccess()


rule all:
    input:
        rules.social_all.input,
    default_target: True
"""


def tiny_model(folder: str, name: str) -> dict:
    """A model of resources/tiny_pair as a section of a config."""
    held = {"precision": "float32", "compute_dtype": "float32", "gpus": 0, "billions": 0.001}
    return {"name": name, "engine": "transformers", "source": "folder", "folder": folder} | held


def odd_project(folder: Path) -> Path:
    """The project under an odd name."""
    return Project.create(folder / PROJECT, REPOSITORY / "resources" / "tiny_pair" / "student").folder


def snakemake(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """A run of Snakemake in a folder, with environment variables."""
    command = [*Project(folder, ()).command(*arguments)][:-1]
    return subprocess.run(command, cwd=folder, env=environment() | variables, capture_output=True, text=True)


def write_module(folder: Path, snakefile: str) -> Path:
    """Another workflow that uses this one as a module. snakefile: as an expression of its Snakefile."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "workflow" / "Snakefile").write_text(MODULE.format(snakefile=snakefile))
    # A recorded teacher and a shipped student, whose files are the module's.
    own = SMALL | {"student": tiny_model("resources/tiny_pair/student", "tiny"), "results": "social results"}
    default = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    config = merge([Layer("default", default), Layer("own", own)])
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def planned(done: subprocess.CompletedProcess) -> set[str]:
    """The rules of a dry run."""
    assert done.returncode == 0, done.stdout + done.stderr
    words = [line.split() for line in done.stdout.splitlines() if line.startswith(("rule ", "localrule "))]
    return {name.removesuffix(":") for _, name in words}


def test_commands_quote_each_path_and_name_nothing_that_a_module_does_not_have():
    own = {"input", "output", "log", "params", "wildcards", "threads", "resources"}
    commands = [
        block
        for file in (REPOSITORY / "workflow" / "rules").glob("*.smk")
        for block in re.findall(r"^ +shell:\n((?: +.*\n)+)", file.read_text(), re.MULTILINE)
    ]
    assert len(commands) > 35
    for command in commands:
        fields = re.findall(r"\{+(\w+)[^{}:]*(?:\{name\})?(:q)?\}", command)
        assert {name for name, _ in fields} <= own | {"name"}, command
        assert all(quoted for name, quoted in fields if name in ("input", "output", "log")), command


def test_another_workflow_plans_this_one_as_a_module_under_its_own_names(tmp_path):
    project = odd_project(tmp_path)
    other = write_module(tmp_path / "another workflow", repr(f"../../{project.name}/workflow/Snakefile"))
    rules = planned(snakemake(other, "--dry-run"))
    assert {"social_sample_shard", "social_train_adapter", "social_summarise_run", "all"} <= rules
    assert all(rule.startswith("social_") for rule in rules - {"all"})


def test_a_module_is_unpacked_from_a_git_host(tmp_path):
    served = tmp_path / "host" / "lab" / "tom-transfer"
    served.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
        copy(REPOSITORY / name, served / name)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(served)]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=x"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    other = write_module(tmp_path / "other", 'github("lab/tom-transfer", path="workflow/Snakefile", tag="v1")')
    instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": "https://github.com/"}
    instead |= {"GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/host/.insteadOf", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = snakemake(other, "social_paper", **instead)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Next: snakemake social_all --cores all\n" in done.stdout
    assert (other / "social results" / "main" / "paper" / "paper.md").is_file()


FAKE_CONDA = """
prefix = pathlib.Path(sys.argv[0]).parent.parent
if sys.argv[1] == "--version":
    print("conda 25.1.1")
elif sys.argv[1] == "info":
    places = {"conda_prefix": str(prefix), "root_prefix": str(prefix)}
    print(json.dumps(places | {"conda_version": "25.1.1", "platform": "linux-64"}))
elif sys.argv[1:3] == ["env", "create"]:
    made = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1]) / "bin"
    made.mkdir(parents=True)
    (made / "python").write_text(f'#!/bin/sh\\necho "in the environment" >&2\\nexec {sys.executable} "$@"\\n')
    (made / "python").chmod(0o755)
    file = sys.argv[sys.argv.index("--file") + 1]
    print(pathlib.Path(file).read_text(), file=open(prefix / "asked.yaml", "w"))
elif sys.argv[1:3] == ["config", "--get"] or "config" in sys.argv:
    print(json.dumps({"get": {"channel_priority": "strict"}}))
"""
FAKE_APPTAINER = """
if "exec" in sys.argv:
    at = sys.argv.index("exec")
    image = next(word for word in sys.argv[at:] if word.endswith(".sif"))
    print("in the image", image, file=sys.stderr)
    os.execvp("bash", ["bash", "-c", sys.argv[-1]])
print("apptainer version 1.4.0")
"""


def fake_command(folder: Path, name: str, program: str) -> dict[str, str]:
    """An environment in which a command is a Python program."""
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    (commands / name).write_text(f"#!{sys.executable}\nimport json, os, pathlib, sys\n{program}")
    (commands / name).chmod(0o755)
    return {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


def test_jobs_run_in_the_pinned_environment_with_conda(fresh, tmp_path):
    variables = fake_command(tmp_path, "conda", FAKE_CONDA)
    (tmp_path / "bin" / "activate").write_text('export PATH="$1/bin:$PATH"\n')
    done = snakemake(fresh.folder, "paper", "--sdm", "conda", "--configfile", *fresh.configfiles, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, pip = yaml.safe_load((tmp_path / "asked.yaml").read_text())["dependencies"]
    assert pip["pip"] == (REPOSITORY / "envs" / "requirements.txt").read_text().splitlines()
    assert "in the environment" in (fresh.folder / "results/logs/main/paper.log").read_text()


def test_jobs_run_in_the_image_with_apptainer(fresh, tmp_path):
    variables = fake_command(tmp_path, "apptainer", FAKE_APPTAINER)
    (fresh.folder / "tom-transfer.sif").touch()
    done = snakemake(fresh.folder, "paper", "--sdm", "apptainer", "--configfile", *fresh.configfiles, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (fresh.experiment / "paper" / "paper.md").is_file()
    assert "in the image tom-transfer.sif" in done.stdout + done.stderr


ODD_NAME = 'té{a}cher "1" $x $y$ `z` 50% <b>&_\\'


@pytest.mark.slow
def test_every_string_of_a_user_may_hold_what_a_shell_and_snakemake_would_read(tmp_path):
    project = odd_project(tmp_path)
    folder = tmp_path / FOLDER
    teacher, student = 'mödels $(x)/teacher "1"', "mödels $(x)/student's"
    for name, role in ((teacher, "teacher"), (student, "student")):
        shutil.copytree(REPOSITORY / "resources" / "tiny_pair" / role, folder / name)
    config = SMALL | {"results": "résults 'a' $b \"c\"/d e/", "cache": "cä{che} $x"}
    config |= {"teacher": tiny_model(teacher, ODD_NAME), "student": tiny_model(student, "stu{dent}'s $x$ {} #é |a|")}
    live, recorded = 'my {c}önfig "1" $x.yaml', "it's [recorded].yaml"
    (folder / live).write_text(yaml.safe_dump(config))
    elsewhere = ["--snakefile", str(project / "Snakefile"), "--workflow-profile", "none", "--configfile"]
    done = snakemake(folder, "all", "collateral", "report", "export", "paper", "plan", *elsewhere, live)
    assert done.returncode == 0, done.stdout + done.stderr
    results = folder / "résults 'a' $b \"c\"" / "d e"
    assert ODD_NAME in (results / "main" / "summary.md").read_text()
    assert "Next: snakemake report --cores all --snakefile" in done.stdout

    tables = folder / "tä bles" / "$x"
    tables.mkdir(parents=True)
    shutil.copy2(REPOSITORY / "resources" / "paper" / "observed_choices.csv", tables / '"counts".csv')
    (replies,) = (results / "replies").glob("*.parquet")
    shutil.copy2(replies, tables / "it's.parquet")
    (trained,) = (results / "adapters").iterdir()
    shutil.copytree(trained, folder / "träined $(x)" / '"it"')
    given = {"file": "tä bles/$x/it's.parquet", "fields": {"reply": "raw"}}
    counts = {"counts": 'tä bles/$x/"counts".csv', "model": "teacher", "replies": given}
    config |= {"teacher": {"name": ODD_NAME, "engine": "recorded", "recorded": counts}, "experiment": "again"}
    config |= {"adapters": 'träined $(x)/"it"'}
    (folder / recorded).write_text(yaml.safe_dump(config))
    done = snakemake(folder, "all", "report", *elsewhere, recorded)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (results / "again" / "report.html").is_file()
    done = snakemake(folder, "all", "report", "--dry-run", *elsewhere, recorded)
    assert "Nothing to be done" in done.stdout + done.stderr
