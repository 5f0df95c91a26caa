"""What an endpoint has answered so far, on disk: a killed job's next try asks only for what is missing.

Each answer is one line of JSON, under the hash of the whole question. After a change of settings, answers to questions
that are no longer asked do no harm.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tom.core.errors import UserError


def question_key(question: Any) -> str:
    """Hash of everything that an answer depends on, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(question, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class ResponseLog:
    """Answers by key; see `open_response_log`."""

    def __init__(self, file: Path, stream: BinaryIO):
        """Read the answers of an earlier try up to the first damaged line, and drop the rest."""
        self.file = file
        self.answers: dict[str, Any] = {}
        self._stream = stream
        whole = 0
        for line in stream.read().splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    break
                entry = json.loads(line)
                self.answers[entry["key"]] = entry["answer"]
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
        stream.truncate(whole)
        stream.seek(whole)

    def add(self, answers: dict[str, Any]) -> None:
        """Add answers; they are on the disk when this returns."""
        lines = [json.dumps({"key": key, "answer": answer}, ensure_ascii=False) for key, answer in answers.items()]
        self._stream.write("".join(f"{line}\n" for line in lines).encode())
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.answers |= answers

    def remove(self) -> None:
        """Delete the file, once what the answers were for has been written."""
        self.file.unlink()


@contextmanager
def open_response_log(file: str | Path) -> Iterator[ResponseLog]:
    """The response log in a file, for this process alone. Errors: UserError if another process has it open."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file) as stream:
        yield ResponseLog(file, stream)


def _locked(file: Path) -> BinaryIO:
    """Open and lock the file; again if it was finished and deleted in between.

    Not by the package filelock: it would lock a second file beside this one, which a killed job would leave there.
    """
    while True:
        stream = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if file.exists() and os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                return stream
        except BlockingIOError:
            stream.close()
            raise UserError(f"{file}: another job is writing it; let it finish, or end it and run again") from None
        stream.close()
