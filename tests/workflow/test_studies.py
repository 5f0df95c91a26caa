"""Studies, from training to table and figure: each trains the students that it says, and shows all of them."""

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from conftest import STUDIES

from tom.config.studies import BY_NAME

pytestmark = pytest.mark.slow

HEADLINE = {"predictor": "tuned", "view": "both", "measure": "exact"}


def report_of(project, changes: dict) -> dict:
    """What the loss of a student's training looked at."""
    return json.loads((project.folder / project.adapter(changes) / "loss_report.json").read_text())


def counts_of(example: dict) -> dict[str, int]:
    return {reply["supervised"][0]: reply["count"] for reply in example["replies"]}


def table_of(project, name: str) -> pl.DataFrame:
    return pl.read_parquet(project.experiment / "tables" / f"{name}.parquet")


def test_nothing_is_left_to_do_and_every_figure_is_there(studied):
    assert studied.plan(*STUDIES) == Counter()
    for name in STUDIES:
        if figure := BY_NAME[name].figure:
            for kind in ("pdf", "png", "svg"):
                assert (studied.experiment / f"figures/{figure.name}.{kind}").stat().st_size > 5000


@pytest.mark.parametrize("name", [name for name in STUDIES if BY_NAME[name].comparison])
def test_no_student_that_is_trained_is_left_out_of_its_table(studied, name):
    study = BY_NAME[name]
    shown = table_of(studied, f"in_sample/{study.tables[0].name}").filter(**HEADLINE)
    groups = study.students(studied.config())
    found = sorted(map(str, shown[study.comparison.by]))
    assert found == sorted("300" if group == "all" else group for group in groups)
    assert not study.comparison.labels or study.comparison.labels.keys() == groups.keys()


def test_the_config_s_own_student_is_the_same_in_every_table(studied):
    own = table_of(studied, "in_sample/alignment").filter(**HEADLINE)["gap"].item()
    for name, by, group in (
        ("controls", "teacher", "as_is"),
        ("counterbalancing", "counterbalancing", "as_is"),
        ("learning_curve", "observations", 300),
    ):
        table = table_of(studied, f"in_sample/{name}").filter(**HEADLINE)
        assert table.filter(pl.col(by) == group)["gap"].item() == own


def test_each_student_is_trained_on_what_is_left_of_its_teacher(studied):
    for number in (5, 20):
        found = report_of(studied, {"observations_per_cell": number})
        assert {example["observations"] for example in found["examples"]} == {number}
        assert found["observations"] == 2 * 4 * number  # four cells in two orders
    constant = [counts_of(example) for example in report_of(studied, {"teacher": "constant"})["examples"]]
    assert len(constant) == 8 and len({tuple(sorted(counts.items())) for counts in constant}) == 1
    own, shuffled = (report_of(studied, changes)["examples"] for changes in ({}, {"teacher": "shuffled"}))
    for before, after in zip(own, shuffled, strict=True):
        assert (before["group"], before["context"]) == (after["group"], after["context"])
        assert counts_of(before) != counts_of(after)


def test_counterbalanced_students_have_twice_the_prompts_of_the_one_before(studied):
    students = BY_NAME["counterbalancing"].students(studied.config()).values()
    assert [len(report_of(studied, changes)["examples"]) for changes in students] == [4, 8, 16]
    labels = table_of(studied, "counterbalancing_labels")
    assert set(labels["labels"]) == {"letters", "first_letters"}
    assert {"base", "tuned-seed1", "one_order-seed1", "both_mappings-seed1"} == set(labels["model"])


def test_the_learning_curve_shows_what_each_training_took(studied):
    curve = table_of(studied, "in_sample/learning_curve").filter(**HEADLINE)
    assert curve["wall_seconds"].null_count() == 0 and curve["wall_seconds"].min() > 0
    assert curve["gpu_seconds"].null_count() == curve.height


def test_every_context_is_held_out_once(studied):
    for context in ("business", "friendship"):
        changes = {"held_out": f"context-{context}"}
        assert context not in {example["context"] for example in report_of(studied, changes)["examples"]}
        curve = pl.read_csv(studied.folder / studied.adapter(changes) / "curve.csv")
        assert curve["validation_loss"].drop_nulls().len() == curve["epoch"].n_unique() == 3
    assert "tuned-seed1" in table_of(studied, "held_out/alignment")["predictor"]
    propensities = table_of(studied, "held_out_reworded/propensities")
    assert set(propensities["context"].drop_nulls()) == {"business_b", "business_c", "friendship_b", "friendship_c"}
    assert set(propensities["split"]) == {"held_out_reworded"}


def test_a_wording_is_asked_only_of_the_student_that_was_trained_without_its_situation(studied):
    for context, other in (("business", "friendship"), ("friendship", "business")):
        for wording, there in ((f"{context}_b", True), (f"{other}_b", False)):
            shard = studied.shard("tuned-seed1", "stag_hunt", wording, changes={"held_out": f"context-{context}"})
            assert (studied.folder / shard).exists() == there


def test_a_game_is_left_out_as_a_context_is(studied):
    found = report_of(studied, {"held_out": "game-stag_hunt"})
    assert {example["group"].partition("/")[0] for example in found["examples"]} == {"prisoners_dilemma"}
    table = table_of(studied, "transfer_matrix")
    assert set(table["left_out"]) == {
        "nothing", "context-business", "context-friendship", "game-prisoners_dilemma", "game-stag_hunt"
    }  # fmt: skip
    assert table["unseen"].sum() == 4


def test_no_comparison_of_trainings_looks_out_of_sample(studied):
    store = studied.store()
    for name in ("controls", "counterbalancing", "learning_curve", "transfer_matrix"):
        for changes in filter(None, BY_NAME[name].students(studied.config()).values()):
            folder = Path(store.shards([("stag_hunt", "sports")], ["tuned-seed1"], changes)[0]).parents[2]
            contexts = {path.stem for path in (studied.folder / folder).rglob("*.parquet")}
            assert "sports" not in contexts and contexts


def test_other_precisions_are_of_the_same_cells(studied):
    table = table_of(studied, "precision_drift")
    assert set(table["precision"]) == {"bfloat16", "merged"}


def test_another_number_of_observations_trains_only_that_student(studied, tmp_path):
    project = studied.copy(tmp_path / "project")
    project.edit("tiny.yaml", "[5, 20]", "[5, 10, 20]")
    assert project.plan("controls", "learning_curve") == Counter(
        {"train_adapter": 1, "sample_shard": 4, "tabulate_students": 1, "plot_learning_curve": 1}
    )


def test_without_other_wordings_none_can_be_asked(fresh):
    for path in (fresh.folder / "resources/contexts").glob("*_[bc].yaml"):
        path.unlink()
    assert fresh.plan("validate")["evaluate_split"] == 1
    done = fresh.run("validate_reworded", "--dry-run")
    assert done.returncode != 0
    assert "resources/contexts: no file rewords a context of splits.in_sample" in done.stdout + done.stderr


def test_of_one_context_none_can_be_left_out(fresh):
    fresh.edit("tiny.yaml", "contexts: [business, friendship]\n  out_of", "contexts: [business]\n  out_of")
    for target in ("validate", "validate_reworded"):
        done = fresh.run(target, "--dry-run")
        assert done.returncode != 0
        assert "tiny.yaml: splits.in_sample.contexts: leaving one out" in done.stdout + done.stderr


def test_a_scale_of_payoffs_is_left_out_too(project):
    project.edit("tiny.yaml", "games: [stag_hunt-x2]", "games: [prisoners_dilemma-x2]")
    project.edit(
        "tiny.yaml",
        "in_sample:\n    games: [prisoners_dilemma, stag_hunt]\n    contexts: [business, friendship]",
        "in_sample:\n    games: [stag_hunt, stag_hunt-x2]\n    contexts: [business]",
    )
    project.succeed("transfer_matrix")
    found = report_of(project, {"held_out": "payoffs-x2"})
    assert {example["group"].partition("/")[0] for example in found["examples"]} == {"stag_hunt"}
    table = table_of(project, "transfer_matrix")
    unseen = table.filter("unseen").select("left_out", "measured_on")
    assert ("payoffs-x2", "payoffs-x2") in unseen.rows() and ("payoffs-x1", "payoffs-x1") in unseen.rows()
    assert set(table["left_out"]) == {"nothing", "payoffs-x1", "payoffs-x2"}


def test_contexts_with_a_uniform_target_are_trained_on_and_no_shard_is_of_them(project):
    project.edit("tiny.yaml", "  rank: 4", "  uniform_target_contexts: [orchestra, exam]\n  rank: 4")
    project.succeed("in_sample")
    found = report_of(project, {})
    assert (found["observations"], found["uniform_target_replies"]) == (2 * 4 * 300, 2 * 4 * 300)
    uniform = [example for example in found["examples"] if example["context"] in ("orchestra", "exam")]
    assert len(uniform) == 2 * 2 * 2  # games, contexts, option orders
    for example in uniform:
        assert [reply["count"] for reply in example["replies"]] == [150, 150]
    assert not list(project.folder.glob("results/shards/*/*/*/orchestra.parquet"))

    project.edit("tiny.yaml", "[orchestra, exam]", "[exam, orchestra]")
    assert not project.plan("in_sample")
    project.edit("resources/contexts/orchestra.yaml", "rchestra", "RCHESTRA")
    jobs = project.plan("in_sample")
    assert jobs["train_adapter"] == 1 and jobs["sample_shard"] == 4
