"""How a script ends: what it took, or the one error that a user can mend, without a traceback."""

import sys
import time
from collections.abc import Callable
from pathlib import Path


class UserError(ValueError):
    """Something a user gave is wrong. The message names the file, the key and what is allowed."""


def run_main(main: Callable[[], None]) -> None:
    """Run a script's main and say how long it took; a UserError ends it with its message alone and exit status 2."""
    started = time.monotonic()
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    print(f"{Path(sys.argv[0]).stem}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
