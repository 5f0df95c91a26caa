"""Whatever JSON a server sends is an answer that can be kept, or none; nothing else is raised."""

import json

from fake_endpoint import completion
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.engines.chat_answers import NoAnswer, is_answer, read_answer, server_words
from tom.sampling.shards import COLUMNS, shard_bytes

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["stop", "length", "content_filter", "text", "C", "\ud800", 10**400, -0.5, 0.5, 401, "429"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
BODY = {"messages": [{"role": "user", "content": "?"}], "seed": 1, "logprobs": True}


def paths(document, here=()):
    """Every place of a document."""
    yield here
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        yield from paths(value, (*here, key))


WHOLE = completion(BODY, top={"C": -0.5, "D": -1.0}) | {"error": None}
PLACES = list(paths(WHOLE))


def replaced(document, path: tuple, value):
    """The document with another value at a place."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


def check(content: bytes) -> None:
    assert isinstance(server_words(content), str)
    try:
        answer = read_answer(content)
    except NoAnswer as error:
        assert str(error)
        return
    assert is_answer(answer, len(answer["choices"]))
    # It survives the response log, and a shard can hold it.
    assert is_answer(json.loads(json.dumps(answer, ensure_ascii=False).encode()), len(answer["choices"]))
    tokens = answer["usage"]["completion_tokens"]
    assert shard_bytes([{"raw": one["text"], "reply_tokens": tokens} for one in answer["choices"]], COLUMNS)


@settings(max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=2))
def test_a_completion_with_anything_at_some_places(changes):
    document = WHOLE
    for path, value in changes:
        try:
            document = replaced(document, path, value)
        except (TypeError, KeyError, IndexError, AttributeError):
            continue  # the first change removed the second one's place
    check(json.dumps(document).encode())


@given(JSON)
def test_any_document(document):
    check(json.dumps(document).encode())


@given(st.binary(max_size=60))
def test_any_bytes(content):
    check(content)
