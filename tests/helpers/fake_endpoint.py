"""An endpoint on loopback that answers as OpenAI's API does, or fails as a test tells it to."""

import hashlib
import json
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

Behaviour = Callable[["Handler", dict], None]


def text_of(body: dict, index: int = 0) -> str:
    """The reply to one prompt and seed: a letter that only these decide."""
    asked = json.dumps([body["messages"], body.get("seed", 0) + index])
    return "CD"[hashlib.sha256(asked.encode()).digest()[0] % 2]


def completion(body: dict, top: dict[str, float] | None = None) -> dict:
    """A chat completion as the API shapes it; `top`: first token → log-probability."""
    logprobs = None
    if body.get("logprobs") and top is not None:
        alternatives = [{"token": token, "logprob": value, "bytes": None} for token, value in top.items()]
        logprobs = {"content": [alternatives[0] | {"top_logprobs": alternatives}], "refusal": None}
    count = body.get("n", 1)
    texts = ["C"] if body.get("logprobs") else [text_of(body, index) for index in range(count)]
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "finish_reason": "stop",
            "logprobs": logprobs,
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 2 * count, "total_tokens": 100 + 2 * count}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}


def answers(**options) -> Behaviour:
    """Answer as asked."""
    return lambda handler, body: handler.send(200, completion(body, **options))


def says(document: dict) -> Behaviour:
    """Answer with this document."""
    return lambda handler, body: handler.send(200, document)


def fails(status: int, message: str = "no", code: str | None = None, **headers: str) -> Behaviour:
    """An error of the API; `_` in a header's name stands for `-`."""
    error = {"error": {"message": message, "type": "some_error", "code": code}}
    return lambda handler, body: handler.send(status, error, headers)


def breaks_off(handler: "Handler", body: dict) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def stops_half_way(handler: "Handler", body: dict) -> None:
    """Promise more bytes than come."""
    handler.send_bytes(200, json.dumps(completion(body)).encode()[:40], {"Content-Length": "400"})


def talks_nonsense(handler: "Handler", body: dict) -> None:
    """Broken JSON."""
    handler.send_bytes(200, b'{"choices": [', {})


def hangs(until: Event) -> Behaviour:
    """Send nothing until the event is set, then close the connection."""
    return lambda handler, body: until.wait(60) and None


class Handler(BaseHTTPRequestHandler):
    """Records a request, then answers as the script says."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.endpoint.behaviour({name.lower(): value for name, value in self.headers.items()}, body)(self, body)

    def send(self, status: int, document: dict, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(status, json.dumps(document).encode(), headers or {})

    def send_bytes(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments) -> None:
        """No log."""


class FakeEndpoint:
    """A server in a thread: each behaviour of `script` answers one request, `otherwise` answers the later ones."""

    def __init__(self, *script: Behaviour, otherwise: Behaviour | None = None, port: int = 0):
        self.script = deque(script)
        self.otherwise = otherwise or answers(top={"C": -0.5, "D": -1.0})
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.endpoint = self
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def behaviour(self, headers: dict, body: dict) -> Behaviour:
        """Record a request, with header names in lower case, and return what answers it."""
        with self._lock:
            self.headers.append(headers)
            self.bodies.append(body)
            return self.script.popleft() if self.script else self.otherwise

    @property
    def replies_asked(self) -> list[dict]:
        """Bodies of the requests for replies; those for scores ask for log-probabilities."""
        return [body for body in self.bodies if not body.get("logprobs")]

    def __enter__(self) -> "FakeEndpoint":
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
