"""How a script ends: with its run time, or with an error message that tells the user what to fix."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

from tom.core.library_errors import explain
from tom.core.terminal import print_anywhere

TRACEBACKS = "TOM_TRANSFER_TRACEBACKS"
"""Environment variable: the folder that keeps the tracebacks of a run."""


class UserError(ValueError):
    """The user's input is wrong. The message names the file, the key and the allowed values."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean NAME?` of the known name that is spelt nearly so, or nothing."""
    return "".join(f"; did you mean {near}?" for near in get_close_matches(name, known, 1, cutoff=0.75))


@contextmanager
def asked_by(where: str) -> Iterator[None]:
    """Let each line of a UserError of the block begin with where: the file and key that ask for what is wrong."""
    try:
        yield
    except UserError as error:
        raise UserError("\n".join(f"{where}: {line}" for line in str(error).splitlines())) from None


def _keep_traceback(error: Exception) -> str:
    """Write an error's traceback to a file, or to stderr where there is no place; return where it is."""
    text = "".join(traceback.format_exception(error))
    if folder := os.environ.get(TRACEBACKS):
        file = Path(folder) / f"{Path(sys.argv[0]).stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
            return f"traceback: {file}"
    print(text, file=sys.stderr, flush=True)
    return "traceback: above"


def run_main(main: Callable[[], None]) -> None:
    """Run a script's main and report its run time on stderr.

    A UserError prints its message and exits with status 2. Any other error prints one line, keeps its traceback in a
    file of the folder that TRACEBACKS names, and exits with status 1.
    """
    print_anywhere()
    started = time.monotonic()
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 of any library
        print(f"error: {explain(error)} ({_keep_traceback(error)})", file=sys.stderr, flush=True)
        sys.exit(1)
    print(f"{Path(sys.argv[0]).stem}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
