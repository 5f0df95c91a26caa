"""Labels of the options: files, a model's scores, and the table of biases."""

import sys

import polars as pl
import pytest
import score_labels
from made_shards import label_scores, shard_frame, small_run
from made_tables import PRECISION
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.evaluation.label_bias import SCORE_COLUMNS, label_bias
from tom.prompts.cells import render_variants
from tom.prompts.variants import LABELS, ORDERS, Variant, load_labels, scored


@pytest.fixture(scope="module")
def teacher() -> pl.DataFrame:
    return shard_frame([row for rows in small_run()["teacher"].values() for row in rows])


def test_the_shipped_labels_are_distinct_and_include_the_training_labels(resources):
    found = [load_labels(file) for file in sorted((resources / "labels").glob("*.yaml"))]
    assert len(set(found)) == len(found) >= 6
    assert load_labels(resources / "labels" / "letters.yaml") == LABELS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cooperate: A", "missing key 'defect'"),
        ("{cooperate: A, defect: A}", "defect: 'A' is also the label of cooperation"),
        ("{cooperate: two words, defect: A}", "cooperate: "),
        ("{cooperate: A, defect: ''}", "defect: "),
        ("{cooperate: 1, defect: 2}", "cooperate: "),
        ("{cooperate: '1', defect: '2'}", "allowed: one letter or word, without blanks, digits or braces"),
        ("cooperate: |\n  A\ndefect: B", "cooperate: 'A\\n'"),
        ("{cooperate: A, defect: AB}", "defect: 'AB' and 'A', the label of cooperation: one is a prefix of the other"),
        ("{cooperate: shares, defect: share}", "one is a prefix of the other"),
    ],
)
def test_labels_that_can_not_be_used_are_refused(tmp_path, text, said):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match="bad") as caught:
        load_labels(tmp_path / "bad.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize("names", [("a", "b"), ("é", "ü"), ("合作", "背叛"), ("co-operate", "sharing")])
def test_letters_and_words_of_any_script_are_labels(tmp_path, names):
    (tmp_path / "mine.yaml").write_text("cooperate: {}\ndefect: {}\n".format(*names), encoding="utf-8")
    assert load_labels(tmp_path / "mine.yaml") == names


def test_a_prompt_names_its_labels_and_their_kind():
    files = cell_files("stag_hunt", "sports")
    letters, words = render_variants(
        files, [Variant(ORDERS[0], "D"), Variant(ORDERS[0], "keep", labels=("share", "keep"))]
    )
    assert "Answer with a single letter." in letters[-1]["content"]
    assert "Answer with a single word." in words[-1]["content"]
    # Cooperation is listed first and has the label of defection.
    assert "choose keep or share" in words[0]["content"]
    swapped = [
        {"role": message["role"], "content": message["content"].replace("keep", "D").replace("share", "C")}
        for message in words
    ]
    assert swapped[0] == letters[0]


def test_a_student_that_is_the_teacher_closes_all_and_a_base_closes_nothing(teacher):
    rates = {"business": 0.2, "friendship": 0.6}
    scores = label_scores({"base": 0.9, "tuned-seed1": 0.0})
    own = pl.when(model="base").then("p_cooperate").otherwise(pl.col("context").replace_strict(rates))
    found = label_bias(scores.with_columns(p_cooperate=own), teacher, PRECISION)
    base, tuned = found.rows(named=True)
    assert (base["model"], base["gap_closed"], tuned["model"]) == ("base", None, "tuned-seed1")
    assert base["gap"] == pytest.approx((0.7 + 0.3) / 2)
    assert tuned["gap"] == pytest.approx(0) and tuned["gap_closed"] == pytest.approx(1)
    assert (tuned["cooperate"], tuned["defect"], tuned["cells"]) == ("A", "B", 4)


def test_order_bias_and_label_bias_are_distinguished(teacher):
    # Follows the order by .2 either way, and the game rather than its labels: exchanging them changes nothing.
    ordered = label_bias(label_scores({"base": 0.5, "tuned-seed1": 0.5}, bias=0.2), teacher, PRECISION)
    assert ordered["order_bias"].to_list() == pytest.approx([0.4, 0.4])
    assert ordered["letter_change"].to_list() == pytest.approx([0, 0])
    # Answers A with p = 0.9, whatever it means.
    scores = label_scores({"base": 0.5, "tuned-seed1": 0.9})
    exchanged = pl.col("exchanged") & (pl.col("model") != "base")
    scores = scores.with_columns(p_cooperate=pl.when(exchanged).then(0.1).otherwise("p_cooperate"))
    _, tuned = label_bias(scores, teacher, PRECISION).rows(named=True)
    assert (tuned["letter_change"], tuned["letter_distance"]) == (pytest.approx(0.8), pytest.approx(0))
    # Labels as they are count alone for the gap, and for the mean.
    assert tuned["cooperation"] == pytest.approx(0.9)


def test_labels_are_sorted(teacher):
    parts = [label_scores({"base": 0.9, "tuned-seed1": p}, name) for name, p in (("b_set", 0.4), ("a_set", 0.5))]
    found = label_bias(pl.concat(parts), teacher, PRECISION)
    assert found["labels"].to_list() == ["a_set", "a_set", "b_set", "b_set"]
    assert found.filter(labels="b_set", model="tuned-seed1")["cooperation"].item() == pytest.approx(0.4)


def test_a_cell_in_which_the_teacher_can_not_be_read_is_left_out_of_gaps_alone(teacher):
    unread = (pl.col("game") == "stag_hunt") & (pl.col("context") == "business")
    mute = teacher.with_columns(action=pl.when(~unread).then("action"))
    scores = label_scores({"base": 0.9, "tuned-seed1": 0.5}, bias=0.1)
    scores = scores.with_columns(p_cooperate=pl.when(unread).then(0.0).otherwise("p_cooperate"))
    base, tuned = label_bias(scores, mute, PRECISION).rows(named=True)
    assert base["cells"] == tuned["cells"] == 3
    # The teacher's are .2, .6 and .6 in the three that are left.
    assert base["gap"] == pytest.approx((0.7 + 0.3 + 0.3) / 3)
    assert base["cooperation"] == pytest.approx(0.9)
    assert tuned["gap_closed"] == pytest.approx(1 - 0.5 / 1.3)
    assert base["order_bias"] == pytest.approx(0.2 * 3 / 4)
    silent = label_bias(scores, teacher.with_columns(action=pl.lit(None, teacher["action"].dtype)), PRECISION)
    assert silent["gap"].null_count() == silent.height == 2 and silent["order_bias"].null_count() == 0
    assert set(silent["not_estimated"]) == {"teacher gave no readable reply"}


def test_a_model_without_a_cell_is_named(teacher):
    scores = label_scores({"base": 0.9, "tuned-seed1": 0.4})
    lacking = scores.filter(~((pl.col("model") == "base") & (pl.col("game") == "stag_hunt")))
    with pytest.raises(UserError, match="labels: base and the teacher were not asked in the same cells"):
        label_bias(lacking, teacher, PRECISION)


def test_a_model_is_scored_in_every_variant(local_model, resources, tmp_path, monkeypatch):
    files = cell_files("stag_hunt-x2", "sports")
    words = ["score_labels.py", "--model", "base", "--labels-file", resources / "labels" / "sharing.yaml"]
    words += ["--games", "stag_hunt-x2", "--contexts", "sports", "--game-files", files.game_file]
    words += ["--context-files", files.context_file, "--prompt-format-file", files.prompt_format_file]
    words += ["--option-orders", *ORDERS, "--temperature", 1, "--idle-seconds", 0, *local_model.arguments()]
    monkeypatch.setattr(sys, "argv", list(map(str, [*words, "--output", tmp_path / "scores.parquet"])))
    score_labels.main()
    found = pl.read_parquet(tmp_path / "scores.parquet")
    assert dict(found.schema) == SCORE_COLUMNS
    variants = [(variant.order, variant.cooperation_label) for variant in scored(list(ORDERS), ("share", "keep"))]
    assert found.select("order", "cooperation_label").rows() == variants
    assert found["exchanged"].to_list() == [False, False, True, True]
    assert found["p_cooperate"].is_between(0, 1, closed="none").all()
    assert found["p_cooperate"].n_unique() == found["prompt_sha256"].n_unique() == 4
    assert found["option_mass"].is_between(0, 1, closed="none").all()
