"""Choices: probabilities at a temperature, and observations drawn from them."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.engines.interface import ChoiceScore
from tom.prompts.prompts import prompt_sha256
from tom.prompts.variants import ORDERS, Variant, scored
from tom.sampling.choices import observe, questions
from tom.sampling.procedures import SamplingSettings

FIRST, LAST = ORDERS
logs = st.floats(-50, 0)
temperatures = st.floats(0.05, 20)


class FakeEngine:
    """Answers with one probability of cooperation a variant, and remembers what it was asked."""

    def __init__(self, *probabilities: float, mass: float = 0.5):
        self.probabilities, self.mass, self.asked = probabilities, mass, []

    def tokens_sha256(self, messages):
        return f"tokens of {prompt_sha256(messages)}"

    def score(self, asked):
        self.asked += asked
        return [
            ChoiceScore((safe_log(self.mass * p), safe_log(self.mass * (1 - p))), self.mass)
            for p in (self.probabilities * len(asked))[: len(asked)]
        ]


def safe_log(value: float) -> float:
    return math.log(value) if value else -math.inf


def ask(engine, game="stag_hunt", context="sports", model="base", **changes) -> list[dict]:
    options = {"option_orders": ORDERS, "observations": 300, "temperature": 1.0, "seed": 1} | changes
    fields = {"model": model, "game": game, "context": context}
    return observe(engine, cell_files(game, context), SamplingSettings(**options), fields)


def observations(rows: list[dict]) -> list[dict]:
    return [row for row in rows if row["record"] == "observation"]


def actions(rows: list[dict], order: str = FIRST) -> list[str]:
    return [row["action"] for row in observations(rows) if row["order"] == order]


@given(one=logs, other=logs, temperature=temperatures)
def test_a_temperature_raises_probabilities_to_its_inverse(one, other, temperature):
    score = ChoiceScore((one, other), 1.0)
    powers = [math.exp((log - max(one, other)) / temperature) for log in (one, other)]
    assert score.probability(0, temperature) == pytest.approx(powers[0] / sum(powers), rel=1e-9)
    assert score.probability(0, temperature) + score.probability(1, temperature) == pytest.approx(1)


@given(one=logs, other=logs)
def test_temperature_one_keeps_the_models_own_odds(one, other):
    score = ChoiceScore((one, other), 1.0)
    odds = math.log(score.probability(0, 1.0)) - math.log(score.probability(1, 1.0))
    assert odds == pytest.approx(one - other, abs=1e-6)


@pytest.mark.parametrize("temperature", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("logs", "probability"), [((0.0, -math.inf), 1), ((-math.inf, 0.0), 0), ((-3.0, -3.0), 0.5)])
def test_extremes(logs, probability, temperature):
    assert ChoiceScore(logs, 1.0).probability(0, temperature) == pytest.approx(probability, abs=1e-300)
    assert ChoiceScore(logs, 1.0).probability(1, temperature) == pytest.approx(1 - probability, abs=1e-300)


@pytest.mark.parametrize("log", [-math.inf, math.nan])
def test_no_choice_is_made_up_where_no_option_has_a_probability(log):
    class Broken(FakeEngine):
        def score(self, asked):
            return [ChoiceScore((log, log), 0.0) for _ in asked]

    with pytest.raises(UserError, match="probabilit"):
        ask(Broken())


def test_the_option_of_cooperation_comes_first_whatever_the_order():
    variants = scored(list(ORDERS))
    asked = questions(cell_files("stag_hunt", "sports"), variants)
    assert [question.options for question in asked] == [("C", "D"), ("C", "D"), ("D", "C"), ("D", "C")]
    assert len({prompt_sha256(question.messages) for question in asked}) == 4


def test_every_variant_is_scored_once_before_the_observations():
    engine = FakeEngine(0.1, 0.2, 0.3, 0.4, mass=0.25)
    rows = ask(engine)
    assert len(engine.asked) == 4
    assert [row["record"] for row in rows] == ["score"] * 4 + ["observation"] * 300
    for row, variant, question, p in zip(
        rows[:4], scored(list(ORDERS)), engine.asked, (0.1, 0.2, 0.3, 0.4), strict=True
    ):
        assert Variant(row["order"], row["cooperation_label"]) == variant
        assert row["prompt_sha256"] == prompt_sha256(question.messages)
        assert row["tokens_sha256"] == f"tokens of {prompt_sha256(question.messages)}"
        assert row["p_cooperate"] == pytest.approx(p)
        assert row["option_mass"] == 0.25
        assert (row["temperature"], row["seed"], row["model"]) == (1.0, 1, "base")


@pytest.mark.parametrize(
    ("orders", "number", "shares"),
    [
        ([FIRST, LAST], 300, {FIRST: 150, LAST: 150}),
        ([FIRST, LAST], 301, {FIRST: 151, LAST: 150}),
        ([LAST, FIRST], 301, {LAST: 151, FIRST: 150}),
        ([LAST], 7, {LAST: 7}),
        ([FIRST, LAST], 1, {FIRST: 1}),
    ],
)
def test_orders_have_equal_shares_and_c_means_cooperation(orders, number, shares):
    rows = observations(ask(FakeEngine(0.5), option_orders=orders, observations=number))
    assert Counter(row["order"] for row in rows) == shares
    assert [row["observation"] for row in rows] == list(range(number))
    for row in rows:
        assert row["cooperation_label"] == "C"
        assert row["raw"] == {"cooperate": "C", "defect": "D"}[row["action"]]


def test_a_seed_gives_the_same_rows_again():
    assert ask(FakeEngine(0.5)) == ask(FakeEngine(0.5))


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"model": "tuned-seed1"}, {"game": "snowdrift"}, {"context": "business"}]
)
def test_each_cell_model_and_seed_has_a_stream_of_its_own(changes):
    assert actions(ask(FakeEngine(0.5))) != actions(ask(FakeEngine(0.5), **changes))


def test_the_two_orders_have_streams_of_their_own():
    rows = ask(FakeEngine(0.5))
    assert actions(rows, FIRST) != actions(rows, LAST)


def test_an_orders_draws_do_not_depend_on_what_else_is_asked():
    both = ask(FakeEngine(0.5), observations=300)
    alone = ask(FakeEngine(0.5), observations=150, option_orders=(LAST,))
    assert actions(both, LAST) == actions(alone, LAST)
    more = ask(FakeEngine(0.5), observations=400)
    assert actions(more, FIRST)[:150] == actions(both, FIRST)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rates_follow_the_probabilities(p):
    drawn = actions(ask(FakeEngine(p), observations=40_000))
    error = math.sqrt(p * (1 - p) / len(drawn))
    assert drawn.count("cooperate") / len(drawn) == pytest.approx(p, abs=4 * error)


@pytest.mark.parametrize(("p", "action"), [(0.0, "defect"), (1.0, "cooperate")])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_certain_model_always_does_the_same(p, action, temperature):
    assert set(actions(ask(FakeEngine(p), temperature=temperature))) == {action}


def test_observations_are_drawn_at_the_temperature():
    p = 1 / (1 + 4**2)  # odds of 1 to 4, squared by temperature 0.5
    rows = ask(FakeEngine(0.2), observations=40_000, temperature=0.5)
    drawn = actions(rows)
    assert rows[0]["p_cooperate"] == pytest.approx(p)
    assert drawn.count("cooperate") / len(drawn) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(drawn)))


def test_other_labels_are_offered_and_drawn(resources):
    engine = FakeEngine(0.9)
    rows = ask(engine, labels_file=resources / "labels" / "unfamiliar.yaml", observations=20)
    assert {row["cooperation_label"] for row in rows} == {"wug", "dax"}
    assert all(set(question.options) == {"wug", "dax"} for question in engine.asked)
    assert {row["raw"] for row in observations(rows)} <= {"wug", "dax"}
    assert {row["cooperation_label"] for row in observations(rows)} == {"wug"}
