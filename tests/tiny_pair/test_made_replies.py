"""Made replies: well formed ones fit their form and their game, awkward ones fit none."""

import numpy as np
import pytest
from made_replies import CONTEXTS, is_well_formed, make_awkward_reply, make_reply

from tom.core.errors import UserError
from tom.games.game import load_game
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST, FORMS
from tom.prompts.variants import ORDERS, Variant, scored
from tom.sampling.recorded import read_counts

VARIANTS = scored(list(ORDERS))


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.fixture
def game(resources):
    return load_game(resources / "games" / "prisoners_dilemma.yaml", "prisoners_dilemma-x2")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cooperates", [True, False])
def test_every_made_reply_is_well_formed_and_makes_its_choice(form, cooperates, game, generator):
    for context in CONTEXTS:
        for variant in VARIANTS * 10:
            reply = make_reply(form, game, context, variant, cooperates, generator)
            assert is_well_formed(form, reply), reply
            assert reply[-1 if form == CHOICE_LAST else 0] == variant.label(cooperates)


@pytest.mark.parametrize("form", FORMS)
def test_no_awkward_reply_is_well_formed(form, generator):
    replies = {make_awkward_reply("sports", variant, generator) for variant in VARIANTS * 50}
    assert "" in replies
    assert len(replies) >= 5
    assert not [reply for reply in replies if is_well_formed(form, reply)]


def test_motivations_speak_of_the_context_and_of_the_games_own_points(game, generator):
    variant = Variant("cooperation_first", "C")
    replies = [make_reply(CHOICE_FIRST, game, "teamwork", variant, False, generator) for _ in range(100)]
    assert all("my colleague" in reply.lower() or "the promotion" in reply for reply in replies)
    points = {word for reply in replies for word in reply.split() if word.isdigit()}
    assert points == {"20", "6", "4"}  # temptation, punishment and sucker's payoff, doubled


def test_exchanged_letters_are_exchanged_in_the_motivation(game, generator):
    replies = [
        make_reply(CHOICE_FIRST, game, "sports", Variant("cooperation_first", "D"), True, generator) for _ in range(100)
    ]
    assert any("both choose D" in reply for reply in replies)
    assert not [reply for reply in replies if "both choose C" in reply]


def test_replies_vary(game, generator):
    replies = {make_reply(CHOICE_FIRST, game, "sports", VARIANTS[0], True, generator) for _ in range(200)}
    assert len(replies) > 30


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        (CHOICE, "C."),
        (CHOICE, ""),
        (CHOICE_FIRST, "C"),
        (CHOICE_FIRST, "I choose C. It is the best that I can do here."),
        (CHOICE_FIRST, "C. It is the best that I can"),
        (CHOICE_LAST, "It is the best that I can do here."),
        (CHOICE_LAST, "It is the best that I can do here. Choice: C"),
    ],
)
def test_other_replies_are_not_well_formed(form, reply):
    assert not is_well_formed(form, reply)


def test_every_published_context_has_words(resources):
    counts = read_counts(resources / "paper" / "observed_choices.csv", "teacher")
    assert set(CONTEXTS) == {context for _, context in counts}


def test_a_context_without_words_is_named(game, generator):
    with pytest.raises(UserError, match=r"'circus'.*allowed: business"):
        make_reply(CHOICE_FIRST, game, "circus", VARIANTS[0], True, generator)
