"""What is framed is no choice; what a model says to itself is not the reply; and time grows with the length alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reply_corpus import PARTS, corpus, measure

from tom.engines.interface import Reply
from tom.parsing.choice_readings import read_choice
from tom.parsing.number_readings import read_number
from tom.parsing.outcomes import FINISHES
from tom.parsing.reasoning import reply_part
from tom.prompts.prompts import CHOICE_LAST, FORMS

CHOOSING = st.sampled_from(
    [
        "I choose {}",
        "I would choose {}",
        "I'd pick {}",
        "I will go with {}",
        "my choice is {}",
        "I play {}",
        "I opt for {}",
    ]
)
FRAMES = {
    "payoffs": [
        "{s} and they choose {y}: I get {n}",
        "{s}, they choose {y}: {n} for me",
        "{s} → {n}",
        "{s}: {n} points",
    ],
    "conditions": [
        "If they trust me, {s}",
        "{s} if they do",
        "Unless they cheat, {s}",
        "When they are kind, {s}",
        "Suppose that {s}",
        "Had they promised, {s}",
        "Given that they choose {y}, {s}",
        "Every time {s} they win",
    ],
    "words of others": [
        'They said: "{s}."',
        "They told me: {s}",
        "My friend thinks that {s}",
        'Her letter read: "Trust me. {s}, as ever."',
        '"{s}", said the other player',
        "You could argue that {s}",
    ],
    "memories": [
        "Last time I chose {x}",
        "In round {n} I chose {x}",
        "Yesterday I chose {x}",
        "Round {n}: I picked {x}",
    ],
    "distributions": [
        "{s} with a probability of 60%",
        "{s} 70% of the time",
        "{s} half the time",
        "{x}: 30%, {y}: 70%",
        '{{"{x}": 0.2, "{y}": 0.8}}',
        "{x} (40%), {y} (60%)",
    ],
    "wishes": [
        "In an ideal world, {s}",
        "Ideally, {s}",
        "I wish I could choose {x}",
        "I would like to choose {x}, but it is risky",
        "I am tempted to choose {x}",
    ],
    "what is weighed": [
        "On the one hand, {s}",
        "At first {s}",
        "Case {n}: {s}",
        "In theory, {s}",
        "The risk is that {s}",
    ],
}
REASONING = [
    ("<think>", "</think>"),
    ("<thinking>\n", "\n</thinking>\n\n"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysisThe user asks. ", "assistantfinal"),
]
TEXTS = sorted({case.text for case in corpus("known") if case.kind in ("choice", "first", "last")})
UNMARKED = [text for text in TEXTS if reply_part(text) == (text.strip(), False)]


def read(text: str, form: str, finish: str = "stop") -> str:
    found = read_choice(Reply(text, finish, tokens=1), form, ("C", "D"))
    return found.option or found.outcome


@st.composite
def framed(draw) -> str:
    x, y = draw(st.permutations("CD"))
    frame = draw(st.sampled_from([frame for frames in FRAMES.values() for frame in frames]))
    said = frame.format(s=draw(CHOOSING).format(x), x=x, y=y, n=draw(st.integers(0, 10)))
    return said[0].upper() + said[1:] + "."


@given(texts=st.lists(framed(), min_size=1, max_size=3), form=st.sampled_from(FORMS), finish=st.sampled_from(FINISHES))
def test_what_stands_in_a_frame_is_never_read(texts, form, finish):
    assert read("\n".join(texts), form, finish) not in ("C", "D")


@given(texts=st.lists(framed(), max_size=3), option=st.sampled_from("CD"))
def test_frames_do_not_hide_the_choice_that_is_asked_for(texts, option):
    assert read("\n".join([option, *texts]), FORMS[1]) == option
    assert read("\n".join([*texts, f"Choice: {option}"]), CHOICE_LAST) == option


@given(thought=st.one_of(st.sampled_from(UNMARKED), framed()), marks=st.sampled_from(REASONING), data=st.data())
def test_reasoning_in_any_markup_changes_no_reading(thought, marks, data):
    reply, form = data.draw(st.sampled_from(UNMARKED)), data.draw(st.sampled_from(FORMS))
    opens, closes = marks
    assert read(opens + thought + closes + reply, form) == read(reply, form)
    if not opens.startswith("analysis") and "channel" not in opens:
        assert read(thought + closes + reply, form) == read(reply, form)


@given(thought=st.one_of(st.sampled_from(UNMARKED), framed()), marks=st.sampled_from(REASONING), data=st.data())
def test_a_reply_that_ends_inside_its_reasoning_is_truncated(thought, marks, data):
    text = marks[0] + thought
    assert read(text, data.draw(st.sampled_from(FORMS)), data.draw(st.sampled_from(FINISHES))) == "truncated"
    assert read_number(Reply(text, "stop", 1), range(11)).outcome == "truncated"


def test_reasoning_that_ran_into_the_reply_is_left_out():
    assert read("analysisThe user asks to choose. I will choose D.assistantfinalC", FORMS[0]) == "C"
    assert read("analysisThe user asks to choose. I will choose D.", FORMS[0]) == "truncated"
    assert read("Here is my thought process:\nI choose D.\n\nHere is my response:\nC", FORMS[1]) == "C"
    assert read("They trust me.\nChoice: C\n<think>Or D? I choose D.", FORMS[2]) == "truncated"


@pytest.mark.parametrize(
    "ending", ["</s>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "<|end|>"]
)
@given(text=st.sampled_from(UNMARKED), form=st.sampled_from(FORMS))
def test_what_follows_the_end_of_the_turn_is_not_the_reply(ending, text, form):
    if text.strip():
        assert read(f"{text}{ending}\nI choose C. I choose D.", form) == read(text, form)


PIECES = [
    "C or D ",
    "I choose C. ",
    "I choose C ",
    "If they choose C, I get 3. ",
    "C, ",
    "C\n",
    '"I choose C" ',
    "my ",
    "so ",
]
PIECES += [
    "1",
    "5 ",
    "1+",
    "I give 5 ",
    "one ",
    "a hundred ",
    "$",
    " ",
    "\n",
    "*",
    "_a",
    "(",
    '"',
    "\\text{",
    "- [ ] C\n",
]
PIECES += [
    "<think>",
    "</think>",
    "<|x|>",
    "analysis",
    "here is my thought process: ",
    "C: 3 ",
    "I would give my entire ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_reading_takes_as_long_as_the_reply_and_not_as_its_square(piece):
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        for form in FORMS:
            read(text, form)
        read_number(Reply(text, "stop", 1), range(101))
        return time.process_time() - start

    seconds(100)  # compiles the patterns
    # Eight times the length: 8 if linear, 64 if quadratic, as rules once were. CPU time, whatever the machine.
    short, long = (min(seconds(length) for _ in range(3)) for length in (2_500, 20_000))
    assert long < 24 * short


# Of each part: readings, right readings, and right outcomes, of replies that name a choice or a number and of all.
# docs/pipeline.md has the figures at first sight.
FLOORS = {"known": (184, 184, 321), "held_out": (220, 224, 352), "second": (60, 61, 125), "third": (36, 37, 94)}
FLOORS |= {"reasonings": (38, 51, 247), "more_reasonings": (28, 47, 241), "late_reasonings": (27, 37, 290)}


@pytest.mark.parametrize("part", PARTS)
def test_of_the_corpus_nothing_is_read_wrong_and_hardly_anything_missed(part):
    counts, (read_right, name_one, right) = measure(corpus(part)), FLOORS[part]
    assert counts["name_one"] == name_one
    assert counts["read"] - counts["read_right"] <= (part == "third")
    assert counts["read_right"] >= read_right
    assert counts["right"] >= right
