"""Several students in one run: what they share is made once, and an edit of one of them reruns its own jobs."""

import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest
import yaml
from edits import NUMBERS, TABLES, TRAINING
from project import REPOSITORY, Project
from snakemake.settings.types import GroupSettings, ResourceSettings
from test_any_folder import planned, snakemake, write_module

from tom.core.snakemake_internals import share_settings_of_rules
from tom.reporting.closing import first_screen

RANK_2 = {"rank_2": {"training": {"rank": 2}}}
PAIR = {"engine": "transformers", "source": "folder", "precision": "float32", "compute_dtype": "float32", "gpus": 0}
TINY_TEACHER = {"name": "tiny teacher", "folder": "resources/tiny_pair/teacher", "billions": 0.001, **PAIR}
STUDENT_JOBS = TRAINING | TABLES | NUMBERS
"""What each student of tiny.yaml has of its own, shards left out."""
COMPARISON = {"tabulate_experiments": 1, "plot_experiments": 1}


def with_students(project: Project, students: dict, **others) -> Project:
    """The project with some students in a config file of their own."""
    (project.folder / "students.yaml").write_text(yaml.safe_dump({"students": students, **others}))
    return replace(project, configfiles=("config/config.yaml", "tiny.yaml", "students.yaml"))


def own(jobs: dict[str, int], name: str) -> dict[str, int]:
    """The jobs under the names of a student's rules."""
    return {f"{name}_{rule}": number for rule, number in jobs.items()}


def test_students_of_one_teacher_ask_it_and_the_base_once(fresh):
    jobs = with_students(fresh, RANK_2, training={"seeds": [1, 2]}).plan()
    # Eight cells of choices and one of numbers: those of the base, and of the tuned student of each seed.
    once = {"fetch_model": 1, "convert_model": 1, "replay_shard": 9, "gather_shards": 1, "sample_shard": 9 + 2 * 9}
    trainings = {"train_adapter": 2}
    assert jobs == Counter(
        once | STUDENT_JOBS | trainings | own(STUDENT_JOBS | trainings | {"sample_shard": 2 * 9}, "rank_2") | COMPARISON
    )


def test_another_teacher_is_asked_and_the_base_is_not_asked_again(fresh):
    students = RANK_2 | {"pair": {"teacher": TINY_TEACHER, "training": {"rank": 2}}}
    jobs = with_students(fresh, students).plan()
    # The other teacher's nine cells, and nine of its student.
    other = {"fetch_model": 1, "convert_model": 1, "gather_shards": 1, "sample_shard": 2 * 9}
    expected = own(STUDENT_JOBS | other, "pair")
    assert {rule: number for rule, number in jobs.items() if rule.startswith("pair_")} == expected
    assert jobs["rank_2_sample_shard"] == 9 and jobs["sample_shard"] == 2 * 9
    assert jobs["replay_shard"] == 9 and "rank_2_replay_shard" not in jobs


ITSELF = {**PAIR, "name": "tiny", "folder": "tiny-model", "billions": 0.135, "precision": "nf4"}


@pytest.mark.parametrize(
    "students",
    [
        # The student's own model as a live teacher, which the config's own run knows as a student alone; and a base
        # that is asked in games that the run which asks it has nowhere.
        {
            "itself": {"teacher": ITSELF},
            "anchored": {"training": {"anchor_games": ["dictator"], "anchor_contexts": ["neutral"]}},
        },
        # The other way round.
        {"other_way": {"student": TINY_TEACHER, "teacher": TINY_TEACHER}, "learner": {"student": TINY_TEACHER}},
    ],
    ids=lambda students: "-".join(students),
)
def test_a_model_in_another_part_is_asked_by_whoever_knows_how(fresh, students):
    project = with_students(fresh, students)
    jobs = project.planned_jobs()
    assert len({output for _, output in jobs}) == len(jobs)
    assert {f"{name}_summarise_run" for name in students} < {rule for rule, _ in jobs}
    # A cluster's job is asked for by its path, in a workflow that is read again.
    sampled = {job for job in jobs if job[0].endswith("sample_shard")}
    again = project.planned_jobs(*(output for _, output in sampled))
    assert {job for job in again if job[0].endswith("sample_shard")} == sampled


BAD = {
    "name": ({"Rank-2": {"training": {"rank": 2}}}, ["students: 'Rank-2'", "allowed: small letters"]),
    "key": ({"a": {"results": "x"}}, ["students.a: unknown key 'results'", "(allowed: adapters, student, teacher"]),
    "value": ({"a": {"training": {"rank": "many"}}}, ["students.a: training.rank: 'many'"]),
    "part of a model": (
        {"a": {"student": {"name": "x", "engine": "transformers"}}},
        ["students.a: student: missing key 'source'"],
    ),
    "the config's own": (
        {"a": {"training": {"seeds": [3]}}},
        ["students.a: the same student, training and teacher as the config's own (allowed:"],
    ),
    "another one": ({"a": {"training": {"rank": 2}}, "b": {"training": {"rank": 2}}}, ["students.b: ", "students.a"]),
    "a rule": ({"sample": {"training": {"rank": 2}}}, ["students.sample: sample_in_sample is a rule", "allowed"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_student_is_refused_in_one_line_that_names_it(fresh, case):
    students, words = BAD[case]
    done = with_students(fresh, students).run()
    said = done.stdout + done.stderr
    (line,) = (line for line in said.splitlines() if line.startswith("Error: students.yaml: "))
    assert done.returncode != 0 and "Traceback" not in said
    assert all(word in line for word in words), said
    assert not (fresh.folder / "results").exists()


def test_what_a_student_s_model_can_not_do_is_refused_before_the_first_job(fresh):
    project = with_students(fresh, {"a": {"training": {"target_modules": "q_proj,v_porj"}}})
    done = project.run()
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "students.a: student: training.target_modules: the model has no layer v_porj" in said, said
    assert not (fresh.folder / "results" / "shards").exists()


def test_a_user_s_settings_of_a_rule_are_those_of_each_student(fresh):
    project = with_students(fresh, RANK_2)
    said = project.succeed("--dry-run", "--workflow-profile", "none", "--set-resources", "train_adapter:mem_mb=77")
    for name in ("train_adapter", "rank_2_train_adapter"):
        (job,) = re.findall(rf"^rule {name}:\n(?:    .*\n)+", said, re.MULTILINE)
        assert "mem_mb=77" in job


def test_groups_of_a_profile_are_those_of_each_student():
    workflow = SimpleNamespace(
        group_settings=GroupSettings(overwrite_groups={"social_sample_shard": "sample-{weights}"}),
        resource_settings=ResourceSettings(overwrite_threads={"social_train_adapter": 2}),
    )
    assert "social_train_adapter" in workflow.resource_settings._parsed_overwrite_threads
    # A cluster's job is told what the run was, and then of what is told to it.
    for _ in range(2):
        share_settings_of_rules(workflow, "social_", ["social_a_", "social_b_"])
    names = {"social_sample_shard", "social_a_sample_shard", "social_b_sample_shard"}
    assert workflow.group_settings.overwrite_groups == dict.fromkeys(names, "sample-{weights}")
    assert len(workflow.resource_settings._parsed_overwrite_threads) == 3


@pytest.mark.slow
def test_targets_say_how_another_student_is_asked_for(fresh):
    project = with_students(fresh, RANK_2)
    said = project.succeed("targets")
    assert "NAME_TARGET; NAME is one of: rank_2" in said
    assert "rank_2_train" not in said
    assert project.plan("rank_2_train")["rank_2_train_adapter"] == 1
    assert "train_adapter" not in project.plan("rank_2_train")


@pytest.mark.slow
def test_a_plan_is_of_all_students(fresh):
    project = with_students(fresh, RANK_2)
    expected = project.plan()
    said = project.succeed("plan")
    assert f"{expected.total()} jobs to run, 0 done" in said and "training: " in said
    # Of one of them: what it needs of the others' is part of it.
    needed = project.plan("rank_2_all")
    said = project.succeed("rank_2_plan")
    assert f"{needed.total()} jobs to run, 0 done" in said and "training: " in said
    assert needed.total() < expected.total() and needed["sample_shard"] == 9


def test_another_workflow_may_use_a_run_of_several_students(tmp_path):
    project = Project.create(tmp_path / "project", REPOSITORY / "resources" / "tiny_pair" / "student").folder
    other = write_module(tmp_path / "other", repr(f"../../{project.name}/workflow/Snakefile"))
    file = other / "config" / "config.yaml"
    file.write_text(file.read_text() + yaml.safe_dump({"students": RANK_2}))
    rules = planned(snakemake(other, "--dry-run"))
    assert {"social_rank_2_train_adapter", "social_train_adapter", "social_tabulate_experiments"} <= rules
    assert "social_rank_2_fetch_model" not in rules


@pytest.mark.slow
def test_the_shipped_students_are_trained_summarised_and_compared(tiny_folder, tmp_path):
    project = replace(
        Project.create(tmp_path / "project", tiny_folder), configfiles=("config/config.yaml", "config/students.yaml")
    )
    said = project.succeed()
    names = ["students", "students-rank_2", "students-published"]
    results = project.folder / "results"
    summaries = [(results / name / "summary.md").read_text() for name in names]
    assert len(set(summaries)) == 3
    assert all(first_screen(summary) in said for summary in summaries)
    table = pl.read_parquet(results / "students/tables/experiments.parquet")
    assert table["experiment"].unique(maintain_order=True).to_list() == names
    for name in names:
        written = pl.read_parquet(results / name / "tables/in_sample/alignment.parquet")
        shown = table.filter(experiment=name, split="in_sample").drop("experiment", "teacher", "student")
        assert shown.equals(written)
        assert yaml.safe_load((results / name / "contents.yaml").read_text())["seeds"] == [1]
    teachers = dict(table.select("experiment", "teacher").unique().rows())
    assert teachers == {names[0]: "tiny teacher", names[1]: "tiny teacher", names[2]: "Llama-2-70b-chat"}
    gaps = table.filter(predictor="tuned", view="both", measure="exact", split="in_sample")["gap"]
    assert len(gaps) == gaps.n_unique() >= 2
    assert all(
        (results / f"students/figures/experiments.{kind}").stat().st_size > 5000 for kind in ("pdf", "png", "svg")
    )

    assert project.plan() == project.plan("compare") == Counter()
    # One student's section reruns that student, and what is compared.
    project.edit("config/students.yaml", "{rank: 2, alpha: 4}", "{rank: 3, alpha: 4}")
    jobs = project.plan()
    assert jobs.pop("rank_2_sample_shard") == 8 and jobs.pop("rank_2_train_adapter") == 1
    assert {rule for rule in jobs if not rule.startswith("rank_2_")} == COMPARISON.keys()
    # Without the students nothing of the config's own run is another's.
    text = (project.folder / "config/students.yaml").read_text()
    (project.folder / "config/students.yaml").write_text(
        re.sub(r"(?s)\nstudents:\n.*?\nexperiment", "\nexperiment", text)
    )
    assert project.plan() == Counter()
