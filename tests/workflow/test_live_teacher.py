"""A teacher asked live, and replies in words: a whole run, and what it says of replies that can't be read."""

import json
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from project import Project
from taught_model import WHO_KNOWS, make_taught_model, replies_of

from tom.config.studies import BY_NAME
from tom.reporting.closing import first_screen
from tom.training.recipe import REPLY_TARGETS

pytestmark = pytest.mark.slow

FORMS = ("choice_then_motivation", "motivation_then_choice")
MAX_TOKENS = 24


def shard_file(project: Project, model: str) -> str:
    return project.shard(model, "stag_hunt", "business")


def create(folder: Path, teacher: Path, student: Path, form: str) -> Project:
    """A project with a live teacher, and a short prompt_format of the form."""
    project = Project.create(folder, student, "live.yaml")
    shutil.copytree(teacher, project.folder / "tiny-teacher")
    prompt_formats = project.folder / "resources" / "prompt_formats"
    lines = (prompt_formats / f"{form}.yaml").read_text().splitlines()
    lines = [f"max_tokens: {MAX_TOKENS}" if line.startswith("max_tokens:") else line for line in lines]
    (prompt_formats / "short.yaml").write_text("\n".join(lines) + "\n")
    return project


@pytest.fixture(scope="module", params=FORMS)
def run(request, tmp_path_factory, tiny_folder, resources) -> tuple[str, Project, str]:
    """(form, the project, what Snakemake said) of a finished run; the teacher cooperates more than the student."""
    folder = tmp_path_factory.mktemp(request.param)
    prompt_format = resources / "prompt_formats" / f"{request.param}.yaml"
    teacher, student = (
        make_taught_model(tiny_folder, folder / name, prompt_format, replies_of(request.param, cooperate))
        for name, cooperate in (("teacher", 0.8), ("student", 0.3))
    )
    project = create(folder / "project", teacher, student, request.param)
    return request.param, project, project.succeed()


def test_every_reply_is_kept_and_many_are_read(run):
    _, project, _ = run
    for model in ("teacher", "base", "tuned-seed1"):
        replies = pl.read_parquet(project.folder / shard_file(project, model)).filter(record="observation")
        assert replies["order"].value_counts().sort("order").rows() == [
            ("cooperation_first", 10),
            ("cooperation_last", 10),
        ]
        assert (replies["outcome"] == "read").sum() > 5
        assert ((replies["outcome"] == "read") == replies["action"].is_not_null()).all()
        assert replies["reply_tokens"].is_between(1, MAX_TOKENS).all()
        assert replies.filter(finish="length")["reply_tokens"].unique().to_list() in ([], [MAX_TOKENS])
        assert replies["top_p"].unique().to_list() == [0.95]
        assert replies["raw"].n_unique() > 2


def test_what_can_not_be_read_has_no_action_and_is_counted(run):
    _, project, _ = run
    shards = pl.concat([pl.read_parquet(file) for file in (project.folder / "results").glob("shards/*/*/*/*.parquet")])
    unclear = shards.filter(pl.col("raw") == WHO_KNOWS)
    assert unclear.height > 0
    assert unclear["action"].null_count() == unclear.height
    table = pl.read_parquet(project.experiment / "tables/in_sample/diagnostics.parquet")
    in_sample = shards.filter(pl.col("context") != "sports", record="observation")
    for row in table.iter_rows(named=True):
        own = in_sample.filter(model=row["model"])
        assert (row["observations"], row["invalid"]) == (own.height, own["action"].null_count())


def test_exact_figures_are_there_where_the_choice_comes_first_and_nowhere_else(run):
    form, project, _ = run
    first = form == FORMS[0]
    tables = project.experiment / "tables"
    for split in ("in_sample", "out_of_sample_contexts"):
        measures = pl.read_parquet(tables / split / "alignment.parquet")["measure"].unique().sort().to_list()
        assert measures == (["exact", "sampled"] if first else ["sampled"])
        diagnostics = pl.read_parquet(tables / split / "diagnostics.parquet")
        for name in ("order_bias", "letter_change", "letter_distance", "option_mass"):
            assert diagnostics[name].null_count() == (0 if first else diagnostics.height)
    records = Counter(pl.read_parquet(project.folder / shard_file(project, "base"))["record"])
    assert records == ({"score": 4, "observation": 20} if first else {"observation": 20})


def test_the_run_ends_with_its_figures_and_its_summary(run):
    form, project, said = run
    names = {path.stem for path in (project.experiment / "figures").glob("*.png")}
    splits = ("in_sample", "out_of_sample_contexts")
    whole = {"agreement", "gap_closed", "order_bias", "training_curve"}
    assert names == whole | {f"propensities-{split}" for split in splits}
    summary = (project.experiment / "summary.md").read_text()
    assert "# What tiny learnt from tiny teacher" in summary
    measure = "exact" if form == FORMS[0] else "sampled"
    assert f"propensities: the students' are {measure}, the teacher's {measure}." in summary
    assert first_screen(summary).rstrip() in said


def test_a_model_of_its_own_gives_the_bytes_of_a_resident_one(run, tmp_path):
    _, project, _ = run
    project = project.copy(tmp_path / "project")
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    file = project.folder / shard_file(project, "teacher")
    before = file.read_bytes()
    file.unlink()
    project.succeed(shard_file(project, "teacher"))
    assert file.read_bytes() == before


def test_top_p_reruns_the_sampling(run, tmp_path):
    _, project, _ = run
    project = project.copy(tmp_path / "project")
    assert project.plan() == Counter()
    project.edit("tiny.yaml", "top_p: 0.95", "top_p: 0.9")
    assert {"train_adapter", "sample_shard"} <= set(project.plan())
    assert {model for model, _, _ in project.planned_shards()} == {"teacher", "base", "tuned-seed1"}


def test_a_student_of_whole_replies_is_taught_in_both_orders(run, tmp_path):
    form, project, _ = run
    project = project.copy(tmp_path / "project")
    if form == FORMS[0]:
        # Letters are exchanged where they are all that is taught: whole replies are taught as they were given.
        project.edit("tiny.yaml", "  rank: 4", "  label_mapping: both\n  rank: 4")
    changes = BY_NAME["compare_training_targets"].students(project.config())["full_reply"]
    folder = project.adapter(changes)
    project.succeed(f"{folder}/manifest.json")
    examples = json.loads((project.folder / folder / "loss_report.json").read_text())["examples"]
    groups = {"stag_hunt/cooperation_first", "stag_hunt/cooperation_last"}
    assert {example["group"] for example in examples} == groups and len(examples) == 4


def test_a_teacher_that_nobody_can_read_ends_the_run_with_one_clear_error(tmp_path, tiny_folder):
    project = create(tmp_path / "project", tiny_folder, tiny_folder, FORMS[1])
    done = project.run("train")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "error: results/replies/" in said and "no readable reply to learn from" in said
    assert "Traceback" not in said


def test_studies_of_a_live_teacher_run_to_their_tables(run, tmp_path):
    form, project, _ = run
    if form == FORMS[1]:
        return  # one form is enough: what differs is how replies are read
    project = project.copy(tmp_path / "project")
    project.edit("tiny.yaml", "prompt_format: short", "prompt_format: short\ncompared_prompt_formats: [choice, short]")
    project.succeed("compare_training_targets", "compare_prompt_formats")
    tables = project.experiment / "tables"
    targets = pl.read_parquet(tables / "in_sample/target.parquet").filter(predictor="tuned")
    assert set(targets["target"]) == set(REPLY_TARGETS)
    assert set(pl.read_parquet(tables / "prompt_formats.parquet")["prompt_format"]) == {"choice", "short"}
    assert (project.experiment / "figures/target.png").stat().st_size > 5000
