"""The one error that a user can mend: its text says where and how, so no traceback is shown with it."""

import sys
from collections.abc import Callable


class BadInput(ValueError):
    """Something a user gave is wrong. The message names the file, the key and what is allowed."""


def run_main(main: Callable[[], None]) -> None:
    """Run a script's main; a BadInput ends it with its message alone and exit status 2."""
    try:
        main()
    except BadInput as error:
        sys.exit(_report(error))


def _report(error: BadInput) -> int:
    print(f"error: {error}", file=sys.stderr, flush=True)
    return 2
