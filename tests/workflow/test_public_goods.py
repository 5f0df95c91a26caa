"""Public goods in a run: sampled, evaluated, drawn and told, and rerun apart from everything else."""

import json
from collections import Counter

import polars as pl
import pytest

MODELS = ("teacher", "base", "tuned-seed1")


def shard(project, model: str, context: str = "neutral") -> pl.DataFrame:
    return pl.read_parquet(project.folder / project.shard(model, "public_goods", context))


def test_every_model_has_a_shard(finished):
    teacher, base, tuned = (shard(finished, model) for model in MODELS)
    assert teacher["number"].to_list() == [7] * 300
    for student in (base, tuned):
        scores = student.filter(record="score")
        assert scores["number"].to_list() == list(range(11))
        assert scores["probability"].sum() == pytest.approx(1)
        drawn = student.filter(record="observation")
        assert drawn.height == 40
        assert (drawn["raw"] == drawn["number"].cast(pl.String)).all()
    assert not base["probability"].equals(tuned["probability"])
    assert base["adapter_sha256"].null_count() == base.height and tuned["adapter_sha256"].null_count() == 0


def test_the_tables_are_those_of_the_shards(finished):
    folder = finished.experiment / "tables/public_goods"
    means = pl.read_parquet(folder / "number_means.parquet")
    for model in MODELS:
        row = means.row(by_predicate=pl.col("model") == model, named=True)
        assert row["mean"] == pytest.approx(shard(finished, model).filter(record="observation")["number"].mean())
    gaps = pl.read_parquet(folder / "number_gaps.parquet").filter(level="split", quantity="mean", measure="exact")
    scores = shard(finished, "base").filter(record="score")
    exact_mean = (scores["number"] * scores["probability"]).sum()
    assert gaps.row(by_predicate=pl.col("predictor") == "base", named=True)["gap"] == pytest.approx(abs(7 - exact_mean))
    assert {file.suffix for file in folder.iterdir()} == {".parquet", ".csv", ".tex"}


def test_the_figure_and_the_summary_tell_of_it(finished):
    figures = finished.experiment / "figures"
    assert all((figures / f"numbers-public_goods.{kind}").stat().st_size > 5000 for kind in ("pdf", "png", "svg"))
    summary = (finished.experiment / "summary.md").read_text()
    assert "- Public goods (not taught): " in summary and "| model " in summary.partition("(not taught)")[2]


def test_no_other_split_knows_of_it(finished):
    tables = finished.experiment / "tables"
    for table in set(tables.rglob("*.parquet")) - {tables / "number_games.parquet"}:
        frame = pl.read_parquet(table)
        if "game" in frame.columns and table.parent.name != "public_goods":
            assert "public_goods" not in frame["game"].to_list(), table


def test_its_texts_rerun_its_students_alone(project):
    project.edit("resources/group_contexts/neutral.yaml", "one another.", "each other.")
    expected = {"sample_shard": 2, "evaluate_numbers": 1}
    expected |= {"plot_numbers": 1, "tabulate_number_games": 1, "summarise_run": 1}
    assert project.plan() == Counter(expected)


def test_a_reading_of_contributions_reruns_no_choice(project):
    file = "workflow/scripts/tom/parsing/number_readings.py"
    project.edit(file, "import re\n", "import re as re\n")
    assert not {"train_adapter", "evaluate_split"} & set(project.plan())
    assert {game for _, game, _ in project.planned_shards()} <= {"public_goods"}


def test_a_published_contribution_reruns_the_teacher(project):
    table = "resources/paper/observed_contributions.csv"
    project.edit(table, "neutral,public_goods,teacher,7,300", "neutral,public_goods,teacher,7,299")
    plan = project.plan()
    assert plan["replay_shard"] == plan["evaluate_numbers"] == 1
    assert plan["sample_shard"] == 0


@pytest.mark.slow
def test_a_deleted_shard_comes_back_with_the_same_bytes(project):
    for model in MODELS:
        file = project.shard(model, "public_goods", "neutral")
        before = (project.folder / file).read_bytes()
        (project.folder / file).unlink()
        project.succeed(file)
        assert (project.folder / file).read_bytes() == before


@pytest.mark.slow
def test_it_is_part_of_the_out_of_sample_stage_and_can_be_dropped(fresh):
    assert fresh.plan("out_of_sample")["evaluate_numbers"] == 1
    fresh.edit("tiny.yaml", "student:", "  public_goods: null\nstudent:")
    assert not {rule for rule in fresh.plan() if "number" in rule}
    assert "public_goods" not in {game for _, game, _ in fresh.planned_shards()}


@pytest.mark.slow
def test_a_live_teacher_is_asked_too(fresh):
    fresh.edit(
        "tiny.yaml",
        "student:",
        "teacher:\n  name: tiny\n  engine: transformers\n  source: folder\n  folder: tiny-model\n  precision: source\n"
        "  compute_dtype: float32\n  gpus: 0\n  billions: 0.135\nstudent:",
    )
    asked = {model for model, game, _ in fresh.planned_shards() if game == "public_goods"}
    assert asked == {"teacher", "base", "tuned-seed1"} and fresh.plan()["replay_shard"] == 0
    fresh.succeed(fresh.shard("teacher", "public_goods", "neutral"))
    assert shard(fresh, "teacher").filter(record="score").height == 11


@pytest.mark.slow
def test_a_student_can_be_anchored_to_its_base_in_games_of_numbers(project):
    anchors = "  anchor_games: [dictator, trust_sending]\n  anchor_contexts: [business]\n  anchor_weight: 2\n  rank: 4"
    base, before = project.adapter(), project.plan()
    project.edit("tiny.yaml", "  rank: 4", anchors)
    assert before == Counter() and project.adapter() != base
    plan = project.plan("train")
    assert plan == Counter(train_adapter=1, sample_shard=2)
    project.succeed("out_of_sample")
    report = json.loads((project.folder / project.adapter() / "loss_report.json").read_text())
    # 40 replies to a taught prompt, two anchors of twice as many; the report's own totals know of the teacher's alone.
    mean = report["observations"] / len(report["examples"])
    assert report["anchor_replies"] == pytest.approx(2 * 2 * mean)
    assert [anchor["group"] for anchor in report["anchors"]] == ["dictator", "trust_sending"]
    assert project.plan("out_of_sample") == Counter()
