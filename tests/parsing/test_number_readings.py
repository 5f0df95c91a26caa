import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.engines.interface import Reply
from tom.parsing.number_readings import NumberReading, read_number
from tom.parsing.outcomes import FINISHES, OUTCOMES


def read(text: str, finish: str = "stop", choices: range = range(11)) -> NumberReading:
    return read_number(Reply(text, finish, tokens=1), choices)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("7", 7),
        ("$7", 7),
        ("**7**", 7),
        ("7 dollars.", 7),
        ("$3.00", 3),
        ("seven", 7),
        ("Ten dollars, because we all gain.", 10),
        ("5. Since each dollar is multiplied by 2.5 and shared by 4, I get 0.625 back.", 5),
        ("$4 of my 10 dollars", 4),
        ("User: My donation choice is 5.", 5),
        ("Donation: $6", 6),
        ("My contribution to the pot is 8 dollars, as the pot grows to 20.", 8),
        ("I would donate $7 of my 10 dollars", 7),
        ("I'd give 5 dollars, since giving 10 is risky.", 5),
        ("I choose to contribute 0.", 0),
        ("I am going to put in 3.", 3),
        ("I have decided to donate all 10 dollars.", 10),
        ("I would donate everything.", 10),
        ("I will give all of it.", 10),
        ("I will contribute nothing.", 0),
        ("If everyone gives 10, I get 25, so I give 10.", 10),
        ("I have 10 dollars. I would donate 4.", 4),
        ("I can't be sure of the others, so I will donate 2 dollars.", 2),
        ("As Alex, my chosen donation is 7.", 7),
        ("My choice of donation would be 5.", 5),
        ("I would pledge $7.", 7),
        ("I could give 10, but I give 2.", 2),
        ("10 (all of it)", 10),
        ("Seven (7) dollars", 7),
        ("I keep 3 dollars and give 7.", 7),
        ("I won't give anything.", 0),
        ("$5 is my contribution.", 5),
        ("I'd give 4 + 2 = 6.", 6),
    ],
)
def test_an_amount_that_is_stated_is_read(text, amount):
    found = read(text)
    assert (found.outcome, found.amount) == ("read", amount)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("I would offer the other player nothing, but I offer 4 dollars.", 4),
        ("My offer is 3.", 3),
        ("The smallest offer that I would accept is 2 dollars.", 2),
        ("My minimum acceptable offer is $5", 5),
        ("The lowest offer I can accept is 2.", 2),
        ("So my threshold is 3.", 3),
        ("The minimum claim is $2. I claim 50.", 50),
        ("I would accept any offer of at least 3 dollars.", 3),
        ("I accept offers of 1.", 1),
        ("I will send 6 dollars, since they may return 9.", 6),
        ("I return 7 of my 15 dollars.", 7),
        ("I send back 7.", 7),
        ("I claim 97.", 97),
        ("My claim: $100", 100),
        ("My guess is 22, as 2/3 of 33.", 22),
        ("I choose the number 14.", 14),
        ("I claim one hundred dollars.", 100),
        ("ninety-seven", 97),
        ("I claim 80 + 5 = 85.", 85),
    ],
)
def test_offers_claims_and_guesses_are_read(text, number):
    found = read(text, choices=range(101))
    assert (found.outcome, found.amount) == ("read", number)


@pytest.mark.parametrize(
    "text",
    [
        "The lowest claim is 2 dollars, so the bonus makes me claim less.",
        "The minimum is 2.",
        "Minimum: 2",
        # Of whom, in an ultimatum, or of what, in a public good?
        "My share is 6.",
    ],
)
def test_numbers_from_the_rules_and_fractions_are_not_answers(text):
    assert read(text, choices=range(101)) == NumberReading("off_format", "no_amount")


def test_a_number_that_is_not_allowed_is_out_of_range():
    assert read("1", choices=range(2, 101)) == NumberReading("off_format", "out_of_range")
    assert read("2", choices=range(2, 101)).amount == 2


@pytest.mark.parametrize(
    ("text", "outcome", "rule"),
    [
        (" \n", "empty", "no_text"),
        ("7.5", "off_format", "not_whole"),
        ("I would donate $2.50.", "off_format", "not_whole"),
        ("12", "off_format", "out_of_range"),
        ("-3", "off_format", "out_of_range"),
        ("I would donate 1,000 dollars.", "off_format", "out_of_range"),
        ("between 3 and 5", "ambiguous", "differing_amounts"),
        ("I would donate 3 to 5 dollars.", "ambiguous", "differing_amounts"),
        ("I would donate between $3 and $5.", "ambiguous", "differing_amounts"),
        ("5. On reflection I will donate 7.", "ambiguous", "differing_amounts"),
        ("I give 5 with probability 0.5 and 10 otherwise.", "ambiguous", "differing_amounts"),
        ("I would give 4 + 5.", "ambiguous", "differing_amounts"),
        ("$7.50", "off_format", "not_whole"),
        ("one hundred and twenty-five", "off_format", "out_of_range"),
        ("5,5", "off_format", "no_amount"),
        ("7½", "off_format", "no_amount"),
        ("seven and a half", "off_format", "no_amount"),
        ("In an ideal world I would give 10.", "off_format", "no_amount"),
        ("Last time I gave 10.", "off_format", "no_amount"),
        ("I give 10, I get 5 back.", "off_format", "no_amount"),
        ("50%", "off_format", "no_amount"),
        ("I would donate 50 percent.", "off_format", "no_amount"),
        ("Half of it.", "off_format", "no_amount"),
        ("It depends on the other players.", "off_format", "no_amount"),
        ("If the others give 5, I would give 5.", "off_format", "no_amount"),
        ("I would not donate 5 dollars.", "off_format", "no_amount"),
        ("They will think I give 10.", "off_format", "no_amount"),
        ("There are 4 players with 10 dollars each.", "off_format", "no_amount"),
        ("As an AI, I have no money.", "refused", "refusal"),
        ("I cannot make this decision.", "refused", "refusal"),
    ],
)
def test_other_replies_have_an_outcome(text, outcome, rule):
    assert read(text) == NumberReading(outcome, rule)


def test_a_number_at_the_end_of_a_truncated_reply_may_be_incomplete():
    assert read("I would donate 1", finish="length") == NumberReading("truncated", "cut_off")
    assert read("I would donate 1 dollar, as", finish="length").amount == 1
    assert read("With 10 dollars I", finish="length").outcome == "truncated"


PIECES = (
    "I would donate ",
    "$",
    "7",
    ".5",
    " dollars",
    " of my 10",
    ". ",
    "between ",
    " and ",
    "-",
    "everything",
    "If ",
)


@given(
    text=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map("".join)),
    finish=st.sampled_from(FINISHES),
    low=st.integers(0, 3),
    high=st.integers(4, 10),
)
def test_every_reply_gets_an_outcome_and_only_a_read_one_an_amount_in_range(text, finish, low, high):
    found = read_number(Reply(text, finish, 1), range(low, high + 1))
    assert found.outcome in OUTCOMES
    assert (found.amount is not None and low <= found.amount <= high) == (found.outcome == "read")


@given(amount=st.integers(0, 10), wrapped=st.sampled_from(["{}", " {}\n", "**{}**", "${}", "{} dollars", "`{}`"]))
def test_a_whole_number_in_range_is_read_however_it_is_wrapped(amount, wrapped):
    assert read(wrapped.format(amount)).amount == amount


@given(text=st.text(alphabet=st.characters(exclude_categories=["N"]), max_size=40))
def test_without_digits_only_number_words_everything_and_nothing_are_read(text):
    found = read(text)
    words = (
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "all",
        "every",
        "no",
    )
    assert found.outcome != "read" or any(word in text.lower() for word in words)
