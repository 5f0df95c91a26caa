"""What real servers send in place of a plain reply, and what has to become of each.

A fault is one answer to one request. Sources: public bug reports of clients and servers, and the protocols themselves.
"""

import gzip
import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fake_endpoint import Behaviour, Handler, breaks_off, completion, fails, says, stops_half_way, talks_nonsense

from tom.engines.interface import Reply

PAGE = b"<!DOCTYPE html><html><head><title>Down</title><style>a{}</style></head><body>Back soon.</body></html>"
JSON_HEADER = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Fault:
    """`kind`: one of many alike. reply: what is read from it; ends: what ends the job; neither: it is asked again.

    words: what the log says of it.
    """

    name: str
    behave: Behaviour
    words: str = ""
    reply: Reply | None = None
    ends: str = ""
    kind: bool = field(default=False)


def choice(**changes) -> Behaviour:
    """A completion whose choice differs; a key that is None here is null there, and DROP drops it."""
    return changed(lambda document: _update(document["choices"][0], changes))


DROP = object()


def _update(section: dict, changes: dict) -> None:
    for name, value in changes.items():
        if value is DROP:
            section.pop(name, None)
        else:
            section[name] = value


def changed(change: Callable[[dict], None]) -> Behaviour:
    """A completion that was changed in place."""

    def behave(handler: Handler, body: dict) -> None:
        document = completion(body)
        change(document)
        handler.send(200, document)

    return behave


def content(value) -> Behaviour:
    """A completion whose message has this content."""
    return choice(message={"role": "assistant", "content": value})


def top(**changes) -> Behaviour:
    """A completion that differs at its top."""
    return changed(lambda document: _update(document, changes))


def raw(status: int, sent: bytes, **headers: str) -> Behaviour:
    """These bytes."""
    return lambda handler, body: handler.send_bytes(status, sent, headers)


def resets(handler: Handler, body: dict) -> None:
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def speaks_another_protocol(handler: Handler, body: dict) -> None:
    """A server of something else at the port."""
    handler.wfile.write(b"-ERR unknown command 'POST'\r\n\r\n")
    handler.close_connection = True


def trickles(head: bytes, drop: bytes, seconds: float = 0.05) -> Behaviour:
    """Send a few bytes again and again, until the client closes."""

    def behave(handler: Handler, body: dict) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(head)
            for _ in range(1000):
                handler.wfile.write(drop)
                time.sleep(seconds)
        except OSError:
            return

    return behave


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BLANK_LINES = trickles(HEAD + b"\r\n", b"\n")
SLOW_BYTES = trickles(HEAD + b'\r\n{"choices": [', b"1,")
SLOW_HEADERS = trickles(HEAD, b"X-Wait: 1\r\n")


def late(handler: Handler, body: dict) -> None:
    """A good reply after blank lines."""
    handler.send_bytes(200, b"\n \n" + json.dumps(completion(body)).encode(), JSON_HEADER)


def squeezed(handler: Handler, body: dict) -> None:
    """A good reply in gzip."""
    packed = gzip.compress(json.dumps(completion(body)).encode())
    handler.send_bytes(200, packed, JSON_HEADER | {"Content-Encoding": "gzip", "Content-Length": str(len(packed))})


def marked(handler: Handler, body: dict) -> None:
    """A good reply after a byte order mark, as text."""
    handler.send_bytes(200, b"\xef\xbb\xbf" + json.dumps(completion(body)).encode(), {"Content-Type": "text/plain"})


ERROR = {"message": "the model is loading", "type": "server_error"}
FINISHED = "finish_reason is"
AGAIN = [
    Fault("408", fails(408, "too slow"), "HTTP 408: too slow"),
    Fault("409", fails(409, "in conflict"), "HTTP 409: in conflict"),
    Fault("425", fails(425, "too early"), "HTTP 425: too early"),
    Fault("429", fails(429, "slow down"), "HTTP 429: slow down", kind=True),
    Fault("429 now", fails(429, "slow down", Retry_After="0"), "HTTP 429: slow down"),
    Fault("429 as a date", fails(429, "wait", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "HTTP 429: wait"),
    Fault("500", fails(500, "CUDA error"), "HTTP 500: CUDA error", kind=True),
    Fault("502 page", raw(502, PAGE), "HTTP 502: an HTML page: Down Back soon."),
    Fault("503 text", raw(503, b"no healthy upstream"), "HTTP 503: no healthy upstream"),
    Fault("503 detail", raw(503, b'{"detail": [{"msg": "full"}]}'), "HTTP 503: full"),
    Fault("529 empty", raw(529, b""), "HTTP 529: an empty answer"),
    Fault("closed", breaks_off, "RemoteProtocolError", kind=True),
    Fault("reset", resets, "Error"),
    Fault("half", stops_half_way, "RemoteProtocolError"),
    Fault("other protocol", speaks_another_protocol, "-ERR unknown command"),
    Fault("broken JSON", talks_nonsense, 'no chat completion: {"choices": [', kind=True),
    Fault("empty", raw(200, b""), "an empty answer"),
    Fault("204", raw(204, b""), "an empty answer"),
    Fault("page", raw(200, PAGE), "an HTML page: Down Back soon.", kind=True),
    Fault("text", raw(200, b"Ollama is running"), "Ollama is running"),
    Fault("stream", raw(200, b'data: {"choices": []}\n\n'), 'data: {"choices": []}'),
    Fault("null", raw(200, b"null"), "no chat completion: null"),
    Fault("list", raw(200, b"[]"), "no chat completion: []"),
    Fault("number", raw(200, b"7"), "no chat completion: 7"),
    Fault("nested", raw(200, b"[" * 100_000), "no chat completion: [[["),
    Fault("Latin-1", raw(200, b'{"choices": "\xe9"}'), "no chat completion"),
    Fault("not gzip", raw(200, b"plain", Content_Encoding="gzip"), "DecodingError"),
    Fault("error as 200", says({"error": ERROR}), "with status 200: the model is loading", kind=True),
    Fault("error as text", says({"error": "busy"}), "with status 200: busy"),
    Fault("error beside null", says({"error": ERROR, "choices": None}), "the model is loading"),
    Fault("error with 429", says({"error": ERROR | {"code": 429}}), "the model is loading"),
    Fault("error with 502", says({"error": ERROR | {"code": "502"}}), "the model is loading"),
    Fault("error in a list", says([{"error": ERROR}]), "the model is loading"),
    Fault("error in a choice", choice(error=ERROR, finish_reason="error"), "the model is loading"),
    Fault("detail", says({"detail": "no workers"}), "no workers"),
    Fault("escapes", raw(503, b"\x1b[31mred\x07\r\nline"), "HTTP 503: [31mred line;"),
    Fault("no choices", top(choices=DROP), "no chat completion"),
    Fault("choices null", top(choices=None), "no chat completion"),
    Fault("choices empty", top(choices=[]), "no chat completion"),
    Fault("choices object", top(choices={}), "no chat completion"),
    Fault("choice null", top(choices=[None]), "choices[0] has no message"),
    Fault("message missing", choice(message=DROP, text="C"), "choices[0] has no message"),
    Fault("message null", choice(message=None), "choices[0] has no message"),
    Fault("content missing", choice(message={"role": "assistant"}), "message has no content"),
    Fault("content number", content(3), "a part that is no text: 3"),
    Fault("content object", content({"text": "C"}), 'a part that is no text: {"text": "C"}', kind=True),
    Fault("content image", content([{"type": "image_url"}]), "a part that is no text"),
    Fault("content nulls", content([None]), "a part that is no text: null"),
    Fault("finish error", choice(finish_reason="error"), f"{FINISHED} 'error'", kind=True),
    Fault("finish abort", choice(finish_reason="abort"), f"{FINISHED} 'abort'"),
    Fault("finish null", choice(finish_reason=None), f"{FINISHED} None"),
    Fault("finish missing", choice(finish_reason=DROP), f"{FINISHED} None"),
    Fault("finish unknown", choice(finish_reason="insufficient_system_resource"), FINISHED),
    Fault("finish list", choice(finish_reason=["stop"]), FINISHED),
]
SLOW = [
    Fault("blank lines", BLANK_LINES, "no whole answer in", kind=True),
    Fault("slow bytes", SLOW_BYTES, "no whole answer in"),
    Fault("slow headers", SLOW_HEADERS, "no whole answer in"),
]


def counted(usage) -> Behaviour:
    """A completion with the content D and this usage."""
    return changed(lambda document: (_update(document["choices"][0], {"message": {"content": "D"}}), usage(document)))


def uses(value) -> Behaviour:
    """A completion with the content D and these counts of tokens."""
    return counted(lambda document: _update(document, {"usage": value}))


def scored(value) -> Behaviour:
    """A completion with the content D and this in place of log-probabilities."""
    return choice(message={"content": "D"}, logprobs=value)


UNKNOWN = Reply("D", "stop", None)
D = Reply("D", "stop", 2)
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "C?"}]}
READ = [
    Fault("usage null", uses(None), reply=UNKNOWN, kind=True),
    Fault("usage missing", uses(DROP), reply=UNKNOWN),
    Fault("usage partial", uses({"prompt_tokens": 5}), reply=UNKNOWN),
    Fault("usage nulls", uses({"prompt_tokens": None, "completion_tokens": None}), reply=UNKNOWN),
    Fault("usage text", uses({"prompt_tokens": "5", "completion_tokens": "x"}), reply=UNKNOWN),
    Fault("usage negative", uses({"prompt_tokens": 5, "completion_tokens": -1}), reply=UNKNOWN),
    Fault("usage huge", uses({"prompt_tokens": 5, "completion_tokens": 10**30}), reply=UNKNOWN),
    Fault("usage true", uses({"prompt_tokens": True, "completion_tokens": True}), reply=UNKNOWN),
    Fault("usage list", uses([5, 1]), reply=UNKNOWN),
    Fault("usage only", uses({"prompt_tokens": 5, "completion_tokens": 7}), reply=Reply("D", "stop", 7)),
    Fault("logprobs list", scored([-0.5]), reply=D),
    Fault("logprobs null inside", scored({"content": [None]}), reply=D, kind=True),
    Fault("logprobs text", scored("none"), reply=D),
    Fault("parts", content([{"type": "text", "text": "I take "}, {"type": "text", "text": "D"}]), kind=True,
          reply=Reply("I take D", "stop", 2)),
    Fault("parts of thinking", content([THOUGHT, {"type": "text", "text": "D"}]), reply=D),
    Fault("parts empty", content([]), reply=Reply("", "stop", 2)),
    Fault("part refused", content([{"type": "refusal", "refusal": "No."}]), reply=Reply("No.", "stop", 2)),
    Fault("content null", content(None), reply=Reply("", "stop", 2)),
    Fault("refusal", choice(message={"content": None, "refusal": "I can't."}), reply=Reply("I can't.", "stop", 2)),
    Fault("half a surrogate", content("D\ud83d"), reply=Reply("D?", "stop", 2)),
    Fault("NUL", content("D\0"), reply=Reply("D\0", "stop", 2)),
    Fault("cut", choice(message={"content": "D be"}, finish_reason="length"), reply=Reply("D be", "length", 2)),
    Fault("cut by Gemini", choice(message={"content": "D"}, finish_reason="MAX_TOKENS"), reply=Reply("D", "length", 2)),
    Fault("ended by Gemini", choice(message={"content": "D"}, finish_reason="STOP"), reply=D),
    Fault("ended by TGI", choice(message={"content": "D"}, finish_reason="eos_token"), reply=D),
    Fault("filtered", choice(message={"content": "D, but"}, finish_reason="content_filter"), kind=True,
          reply=Reply("D, but", "content_filter", 2)),
    Fault("filtered by Azure", choice(message={}, finish_reason="content_filter"),
          reply=Reply("", "content_filter", 2)),
    Fault("filtered by Gemini", choice(message={"content": None}, finish_reason="SAFETY"),
          reply=Reply("", "content_filter", 2)),
    Fault("tool", choice(message={"content": None, "tool_calls": []}, finish_reason="tool_calls"),
          reply=Reply("", "tool_calls", 2)),
]  # fmt: skip
# What a test compares with the reply that the seed decides.
GOOD = [
    Fault("late", late, kind=True),
    Fault("gzip", squeezed),
    Fault("BOM as text", marked),
    Fault("201", lambda handler, body: handler.send(201, completion(body))),
    Fault("error null", top(error=None)),
    Fault("unknown keys", top(service_tier="default", x={"y": [1]})),
]
MASKED = "Incorrect API key provided: ***."
ENDS = [
    Fault("401", fails(401, "no key"), ends="a request without a key is refused (HTTP 401: no key)", kind=True),
    Fault("403", fails(403, "not in your region"), ends="HTTP 403: not in your region", kind=True),
    Fault("404", fails(404, "no such model"), ends="HTTP 404: no such model"),
    Fault("404 page", raw(404, PAGE), ends="HTTP 404: an HTML page: Down Back soon."),
    Fault("400", fails(400, "seed is not supported"), ends="HTTP 400: seed is not supported"),
    Fault("402", fails(402, "pay first"), ends="HTTP 402: pay first"),
    Fault("405", raw(405, b""), ends="HTTP 405: an empty answer"),
    Fault("413", raw(413, b"too large"), ends="HTTP 413: too large"),
    Fault("422", raw(422, b'{"detail": [{"loc": ["top_p"], "msg": "forbidden"}]}'), ends="HTTP 422: forbidden"),
    Fault("501", fails(501, "not here"), ends="HTTP 501: not here"),
    Fault("no money", fails(429, "pay first", code="insufficient_quota"), ends="HTTP 429: pay first"),
    Fault("no money in words", says({"error": {"message": "pay", "code": "insufficient_quota"}}), ends="200: pay"),
    Fault("moved", fails(307, Location="https://b.example"), ends="it has moved to https://b.example", kind=True),
    Fault("moved for ever", fails(301, Location="/v2"), ends="it has moved to /v2"),
    Fault("401 as 200", says({"error": {"message": "bad key", "code": 401}}), ends="key is refused"),
    Fault("two replies", changed(lambda document: document["choices"].extend(document["choices"])),
          ends="2 replies came where 1 were asked for"),
]  # fmt: skip
