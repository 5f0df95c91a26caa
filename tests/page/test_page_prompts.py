"""The prompts that the page shows are those that were asked."""

import json

import polars as pl
import pytest
from regenerate_golden import cell_files

from tom.page.prompts import choice_prompts, example, number_prompts, prompt_table, text_of
from tom.prompts.cells import render_variants
from tom.prompts.prompts import prompt_sha256
from tom.prompts.variants import ORDERS, Variant

CONFIG = {"student": {}, "teacher": {}}
KEYS = {"split": "in_sample", "game": "stag_hunt-x2", "context": "business"}


@pytest.fixture
def texts(resources):
    names = ["games/stag_hunt", "games/public_goods", "contexts/business", "group_contexts/neutral"]
    names += ["numbers/public_goods", "prompt_formats/choice", "prompt_formats/choice_then_motivation"]
    return [resources / f"{name}.yaml" for name in names]


def rates_of(*hashes: str) -> pl.DataFrame:
    rows = [KEYS | {"order": order, "prompt_sha256": sha256} for order, sha256 in zip(ORDERS, hashes, strict=True)]
    return pl.DataFrame(rows)


def asked() -> list:
    return render_variants(cell_files("stag_hunt-x2", "business"), [Variant(order, "C") for order in ORDERS])


def test_a_prompt_is_found_by_the_hash_of_what_was_asked(texts):
    first, last = asked()
    rows = choice_prompts(rates_of(prompt_sha256(first), prompt_sha256(last)), texts, CONFIG)
    assert [row["messages"] for row in rows] == [first, last]
    (prompt, sha256) = (prompt_table(rows, []).rows[1][at] for at in (-1, -2))
    assert prompt == text_of(last) and "[user]\n" in prompt and sha256 == prompt_sha256(last)


def test_a_prompt_of_a_model_with_a_template_section_is_found(texts):
    first, last = asked()
    section = {"enable_thinking": False}
    hashes = (prompt_sha256(found, json.dumps(section, sort_keys=True)) for found in (first, last))
    rows = choice_prompts(rates_of(*hashes), texts, CONFIG | {"student": {"template": section}})
    assert [row["messages"] for row in rows] == [first, last]


def test_a_prompt_whose_texts_have_changed_is_not_guessed(texts):
    first, _ = asked()
    rows = choice_prompts(rates_of(prompt_sha256(first), "0" * 64), texts, CONFIG)
    assert rows[1]["messages"] is None and rows[1]["prompt_sha256"] == "0" * 64
    assert choice_prompts(rates_of("0" * 64, "1" * 64), [], CONFIG)[0]["messages"] is None


def table_of(contexts: dict[str, tuple[float, float]]) -> pl.DataFrame:
    """Propensities of one game. contexts: context → the base's exact one, and the rate of a tuned student."""
    rows = []
    for context, (base, tuned) in contexts.items():
        both = [{"model": "base", "exact": base, "rate": 0.5}, {"model": "tuned-seed1", "exact": None, "rate": tuned}]
        rows += [KEYS | cell | {"context": context, "level": "cell", "view": "both"} for cell in both]
    return pl.DataFrame(rows)


def test_the_example_is_the_cell_in_which_training_moved_the_student_most():
    row = {"split": "in_sample", "game": "stag_hunt-x2", "order": ORDERS[0], "messages": [{"content": "text"}]}
    rows = [row | {"context": context} for context in ("business", "sports", "teamwork")]
    cells = table_of({"business": (0.5, 0.4), "sports": (0.5, 0.9), "teamwork": (0.5, 0.2)})
    assert example(rows, cells).context == "Sports" and example(rows, cells).asked == "asked in both option orders"
    # Of cells without a text, and of other splits, nothing can be shown.
    unknown = [rows[0], rows[1] | {"messages": None}, rows[2]]
    assert example(unknown, cells).context == "Teamwork"
    assert example([rows[0] | {"split": "other"}], cells) is None
    # Equal ones go by their names.
    assert example(rows, table_of({"teamwork": (0.5, 0.75), "business": (0.5, 0.25)})).context == "Business"


def test_an_example_says_what_models_do_in_its_cell(texts):
    first, last = asked()
    rows = choice_prompts(rates_of(prompt_sha256(first), prompt_sha256(last)), texts, CONFIG)
    cells = table_of({"business": (0.25, 0.75)})
    found = example(rows, cells)
    assert (found.game, found.context, found.listed) == ("Stag hunt ×2", "Business", "cooperation is listed first")
    assert found.messages == first and found.told == "base 0.25, tuned 0.75"
    assert example(choice_prompts(rates_of("0" * 64, "1" * 64), texts, CONFIG), cells) is None


def test_a_question_for_a_number_is_shown(texts):
    means = pl.DataFrame([{"split": "public_goods", "game": "public_goods", "context": "neutral"}] * 2)
    (row,) = number_prompts(means, texts)
    assert "how many" in text_of(row["messages"]).lower()
    assert number_prompts(means, [])[0]["messages"] is None
    assert number_prompts(None, texts) == []
