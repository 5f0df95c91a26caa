"""How a script ends: with its run time, or with an error message that tells the user what to fix."""

import sys
import time
from collections.abc import Callable
from pathlib import Path


class UserError(ValueError):
    """The user's input is wrong. The message names the file, the key and the allowed values."""


def first_line(error: Exception) -> str:
    """The first line of another library's error, or its kind if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def run_main(main: Callable[[], None]) -> None:
    """Run a script's main and report its run time on stderr.

    A UserError prints its message without a traceback and exits with status 2.
    """
    started = time.monotonic()
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    print(f"{Path(sys.argv[0]).stem}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
