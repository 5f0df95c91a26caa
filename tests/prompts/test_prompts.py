"""Prompts: the payoffs of each outcome, variants that differ only in order, and golden transcripts."""

import hashlib
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regenerate_golden import CELLS, GOLDEN, cell_files, transcripts

from tom.core.errors import UserError
from tom.games.game import Game
from tom.prompts.cells import render_variants
from tom.prompts.contexts import Context
from tom.prompts.prompts import PromptFormat, load_prompt_format, prompt_sha256, render
from tom.prompts.variants import LABELS, ORDERS, Variant, scored

VARIANTS = scored(list(ORDERS))
POINTS = r"(?:a loss of )?\S+?"
CONTEXT = Context("pub", "You are in a pub.")
HEAD = {"form": "choice", "max_tokens": 1}
variants = st.builds(Variant, st.sampled_from(ORDERS), st.sampled_from(LABELS))
payoffs = st.decimals(-9999, 9999, places=2).map(float)


@pytest.fixture(scope="module")
def prompt_format(resources) -> PromptFormat:
    return load_prompt_format(resources / "prompt_formats" / "choice.yaml")


def game_of(T=10, R=5, P=3, S=2) -> Game:
    return Game("g", "prisoners_dilemma", T, R, P, S)


def outcomes(prompt_format: PromptFormat, messages) -> list[tuple[str, ...]]:
    """(my letter, their letter, my points, their points) of each outcome line, as the prompt has them."""
    pattern = re.escape(prompt_format.outcome)
    for field, values in {"mine": r"\w", "theirs": r"\w", "my_points": POINTS, "their_points": POINTS}.items():
        pattern = pattern.replace(re.escape(f"{{{field}}}"), f"(?P<{field}>{values})")
    found = [match for line in messages[0]["content"].splitlines() if (match := re.fullmatch(pattern, line))]
    return [match.group("mine", "theirs", "my_points", "their_points") for match in found]


def points_of(text: str) -> float:
    """The points in a text, negative for a loss."""
    found = float(text.removeprefix("a loss of "))
    assert found >= 0
    return -found if text.startswith("a loss of ") else found


def words(messages) -> list[str]:
    return re.findall(r"\w+", " ".join(message["content"] for message in messages))


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    return transcripts()


@pytest.mark.parametrize("name", [f"{game}-{context}.txt" for game, context in CELLS])
def test_the_golden_transcript_is_fresh(fresh, name):
    assert (GOLDEN / name).read_text() == fresh[name], "run python tests/helpers/regenerate_golden.py"


def test_there_are_no_other_golden_transcripts(fresh):
    assert sorted(file.name for file in GOLDEN.iterdir()) == sorted(fresh)


@given(variant=variants, T=payoffs, R=payoffs, P=payoffs, S=payoffs)
def test_each_line_has_the_points_of_its_outcome(prompt_format, variant, T, R, P, S):
    game = game_of(T, R, P, S)
    lines = outcomes(prompt_format, render(prompt_format, game, CONTEXT, variant))
    assert [line[:2] for line in lines] == [
        (variant.label(mine), variant.label(theirs)) for mine, theirs in product(variant.actions(), repeat=2)
    ]
    for mine, theirs, my_points, their_points in lines:
        cooperates = [letter == variant.cooperation_label for letter in (mine, theirs)]
        assert (points_of(my_points), points_of(their_points)) == game.points(*cooperates)


@pytest.mark.parametrize(
    ("payoff", "text"),
    [
        (10, "10"),
        (10.0, "10"),
        (2.5, "2.5"),
        (0.1 * 3, "0.3"),
        (1234567, "1234567"),
        (100000.5, "100000.5"),
        (1e13, "10000000000000"),
        (5e-5, "0.00005"),
    ],
)
def test_numbers_are_written_as_people_write_them(prompt_format, payoff, text):
    lines = outcomes(prompt_format, render(prompt_format, game_of(T=payoff), CONTEXT, VARIANTS[0]))
    assert ("C", "D", "2", text) in lines


def test_negative_points_are_called_a_loss(prompt_format):
    rules = render(prompt_format, game_of(S=-2.5), CONTEXT, VARIANTS[0])[0]["content"]
    assert "You choose C, they choose D: a loss of 2.5 for you, 10 for them." in rules


@pytest.mark.parametrize(
    ("payoffs", "line"),
    [
        ((10, -3), "You choose C, they choose D: you lose $3, they get $10."),
        ((2.5, -0.5), "You choose C, they choose D: you lose $0.50, they get $2.50."),
        ((0, 1000), "You choose C, they choose D: you get $1000, they get nothing."),
        ((0.3, 0.125), "You choose C, they choose D: you get $0.125, they get $0.30."),
    ],
)
def test_payoffs_in_dollars_are_gained_or_lost(resources, payoffs, line):
    dollars = load_prompt_format(resources / "prompt_formats" / "choice_dollars.yaml")
    temptation, sucker = payoffs
    rules = render(dollars, game_of(T=temptation, S=sucker), CONTEXT, VARIANTS[0])[0]["content"]
    assert line in rules.splitlines()
    assert "oint" not in rules


@pytest.mark.parametrize("label", ["C", "D"])
@pytest.mark.parametrize("order", ["cooperation_first", "cooperation_last"])
def test_a_player_is_told_which_letter_cooperates(resources, order, label):
    told = load_prompt_format(resources / "prompt_formats" / "choice_told.yaml")
    variant = Variant(order, label)
    rules, question = (message["content"] for message in render(told, game_of(), CONTEXT, variant))
    meanings = {True: f"{label} means to cooperate", False: f"{variant.defection_label} means to defect"}
    assert ", ".join(meanings[action] for action in variant.actions()) in rules
    untold = load_prompt_format(resources / "prompt_formats" / "choice.yaml")
    assert question == render(untold, game_of(), CONTEXT, variant)[1]["content"]


@pytest.mark.parametrize(("game", "context"), CELLS)
def test_both_option_orders_have_the_same_lines(prompt_format, game, context):
    for letter in LABELS:
        one, other = render_variants(cell_files(game, context), [Variant(order, letter) for order in ORDERS])
        lines, other_lines = (outcomes(prompt_format, messages) for messages in (one, other))
        assert len(set(lines)) == 4
        assert lines == other_lines[::-1]
        assert sorted(words(one)) == sorted(words(other))
        assert words(one) != words(other)


@pytest.mark.parametrize(("game", "context"), CELLS)
def test_swapped_labels_change_only_the_labels(game, context):
    exchange = str.maketrans("CD", "DC")
    for order in ORDERS:
        one, other = render_variants(cell_files(game, context), [Variant(order, letter) for letter in LABELS])
        for message, exchanged in zip(one, other, strict=True):
            letters = re.sub(r"\b[CD]\b", lambda match: match[0].translate(exchange), message["content"])
            assert letters == exchanged["content"]


@pytest.mark.parametrize(("game", "context"), CELLS)
def test_no_prompt_has_an_unfilled_brace(game, context):
    for messages in render_variants(cell_files(game, context), VARIANTS):
        assert [message["role"] for message in messages] == ["system", "user"]
        for message in messages:
            assert not set("{}") & set(message["content"])


def test_all_prompts_of_a_run_differ():
    rendered = [messages for cell in CELLS for messages in render_variants(cell_files(*cell), VARIANTS)]
    assert len({prompt_sha256(messages) for messages in rendered}) == len(CELLS) * len(VARIANTS)


def test_braces_of_a_context_are_text(prompt_format):
    context = Context("odd", "Your name is {first}.")
    user = render(prompt_format, game_of(), context, VARIANTS[0])[1]["content"]
    assert "Your name is {first}." in user


def test_the_hash_is_of_compact_json():
    text = '[{"role":"user","content":"Café?\\n"}]'
    assert prompt_sha256([{"role": "user", "content": "Café?\n"}]) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("key", "template"),
    [
        ("system", "{outcomes} {scores}"),
        ("system", "{outcomes} {"),
        ("user", "{situation} {0}"),
        ("user", "{situation} {situation.mood}"),
        ("outcome", "{mine} {my_pionts}"),
    ],
)
def test_a_field_that_does_not_exist_is_named(tmp_path, prompt_format, key, template):
    templates = {"system": prompt_format.system, "user": prompt_format.user, "outcome": prompt_format.outcome}
    file = tmp_path / "mine.yaml"
    body = HEAD | templates | {key: template}
    file.write_text("\n".join(f"{name}: {text!r}" for name, text in body.items()).replace("\\n", " "))
    with pytest.raises(UserError) as caught:
        render(load_prompt_format(file), game_of(), CONTEXT, VARIANTS[0])
    assert "mine" in str(caught.value) and key in str(caught.value)


@pytest.mark.parametrize(("key", "field"), [("system", "outcomes"), ("user", "situation")])
def test_a_prompt_without_its_game_or_context_is_refused(tmp_path, key, field):
    body = HEAD | {"system": "{outcomes}", "user": "{situation}", "outcome": "{mine}"} | {key: "Hello."}
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(f"{name}: {text!r}" for name, text in body.items()))
    with pytest.raises(UserError, match=field) as caught:
        load_prompt_format(file)
    assert f"{file}: {key}" in str(caught.value)
