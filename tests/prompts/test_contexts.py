"""Contexts and the files under resources/contexts."""

from collections import Counter
from pathlib import Path

import pytest

from tom.core.errors import UserError
from tom.prompts.contexts import Context, load_context

CONTEXTS = sorted((Path(__file__).parents[2] / "resources" / "contexts").iterdir())


@pytest.mark.parametrize("file", CONTEXTS, ids=lambda file: file.stem)
def test_every_context_file_reads_as_plain_sentences(file):
    context = load_context(file)
    assert context.name == file.stem
    assert context.situation.endswith(".")
    assert "\n" not in context.situation
    assert not set("{}") & set(context.situation)


def test_no_two_contexts_are_alike():
    assert len({load_context(file).situation for file in CONTEXTS}) == len(CONTEXTS)


def test_every_training_context_of_the_default_config_has_two_paraphrases():
    paraphrased = Counter(load_context(file).paraphrase_of for file in CONTEXTS)
    assert {name: paraphrased[name] for name in ("diplomacy", "business", "environment", "friendship", "teamwork")} == {
        "diplomacy": 2, "business": 2, "environment": 2, "friendship": 2, "teamwork": 2
    }  # fmt: skip


def test_a_paraphrase_has_the_recorded_counts_of_its_original(tmp_path):
    (tmp_path / "pub.yaml").write_text("situation: You are in a pub.")
    (tmp_path / "pub_b.yaml").write_text("situation: You sit in a pub.\nparaphrase_of: pub")
    assert load_context(tmp_path / "pub_b.yaml") == Context("pub_b", "You sit in a pub.", "pub")
    assert [load_context(tmp_path / f"{name}.yaml").recorded_as for name in ("pub", "pub_b")] == ["pub", "pub"]


def test_a_paraphrase_of_nothing_is_refused(tmp_path):
    (tmp_path / "pub_b.yaml").write_text("situation: You sit in a pub.\nparaphrase_of: bar")
    with pytest.raises(UserError, match=r"pub_b.yaml: paraphrase_of: 'bar' is not a context in the same folder"):
        load_context(tmp_path / "pub_b.yaml")


def test_blanks_around_a_situation_are_dropped(tmp_path):
    file = tmp_path / "pub.yaml"
    file.write_text("situation: |\n\n  You are in a pub.\n\n")
    assert load_context(file) == Context("pub", "You are in a pub.")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{}", ["pub.yaml", "missing key 'situation'"]),
        ("situation: ''", ["pub.yaml", "situation"]),
        ("situation: [You]", ["pub.yaml", "situation", "text"]),
        ("situation: You.\nmood: glad", ["pub.yaml", "'mood'", "allowed: paraphrase_of, situation"]),
    ],
)
def test_a_bad_context_names_file_and_key(tmp_path, text, parts):
    file = tmp_path / "pub.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        load_context(file)
    for part in parts:
        assert part in str(caught.value)
