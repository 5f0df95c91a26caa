"""How a script ends: with its run time, or with an error message that tells the user what to fix."""

import codecs
import errno
import os
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

TRACEBACKS = "TOM_TRANSFER_TRACEBACKS"
"""Environment variable: the folder that keeps the tracebacks of a run."""
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_FOLDERS = "results and cache in the config; TMPDIR, HOME and XDG_CACHE_HOME in the environment"
_ADVICE = {
    errno.ENOSPC: f"free disk space, or name a folder on another disk ({_FOLDERS})",
    errno.EDQUOT: f"free disk space, or name a folder on another disk ({_FOLDERS})",
    errno.EACCES: f"give this user access, or name another folder ({_FOLDERS})",
    errno.EPERM: f"give this user access, or name another folder ({_FOLDERS})",
    errno.EROFS: f"name another folder ({_FOLDERS})",
    errno.ENOTDIR: f"name another folder ({_FOLDERS})",
    errno.EMFILE: "allow more open files (ulimit -n), or run fewer jobs at a time (--cores)",
    errno.ENOMEM: "run fewer jobs at a time (--cores), or use a machine with more memory",
}
"""Number of an operating system's error → what to mend."""
_ASCII = {"−": "-", "–": "-", "—": "-", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "…": "...", "·": "."}
_ASCII |= {"‘": "'", "’": "'", "“": '"', "”": '"', "±": "+-", "━": "-", "─": "-", "●": "*"}


class UserError(ValueError):
    """The user's input is wrong. The message names the file, the key and the allowed values."""


def first_line(error: Exception) -> str:
    """The first line of another library's error, or its kind if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def explain(error: Exception) -> str:
    """One line about an error that nothing foresaw, of whatever library: what happened, and what to mend."""
    chain = list(_causes(error))
    for found in chain:
        if isinstance(found, OSError) and found.filename is not None and found.errno in _ADVICE:
            return f"{found.filename}: {found.strerror}; {_ADVICE[found.errno]}"
    said = f"{type(error).__name__}: {first_line(error)}"
    kinds = " ".join(base.__name__ for found in chain for base in type(found).__mro__)
    text = " ".join(map(str, chain))
    # A client of a server opens them without naming them.
    nameless = any(isinstance(found, FileNotFoundError) and found.filename is None for found in chain)
    if nameless or "SSL" in kinds or "CERTIFICATE" in text:
        absent = [name for name in CERTIFICATES if name in os.environ and not os.path.exists(os.environ[name])]
        why = f"{absent[0]}: {os.environ[absent[0]]} is not there; " if absent else ""
        return f"{said}; {why}name the certificates of your network ({CERTIFICATES[0]})"
    if "Proxy" in kinds or ("Connect" in kinds and _proxies()):
        return (
            f"{said}; check the proxy of this machine ({', '.join(_proxies() or PROXIES)}; NO_PROXY leaves hosts out)"
        )
    if "MemoryError" in kinds or "out of memory" in text.lower() or "can't allocate memory" in text:
        advice = "lower training.tokens_per_pack or transformers.replies_per_batch, or run fewer jobs at a time"
        return f"{said}; memory ran out: {advice}"
    for found in chain:
        if isinstance(found, OSError) and found.errno in _ADVICE:
            return f"{said}; {_ADVICE[found.errno]}"
    if isinstance(error, ImportError):
        return f"{said}; install what envs/requirements.txt pins"
    return f"{said}; nothing here foresaw it: please report it"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _proxies() -> list[str]:
    return [name for kind in PROXIES for name in (kind, kind.lower()) if os.environ.get(name)]


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


def in_ascii(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what a terminal can't show in plain letters and signs, or as a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = ""
    for character in error.object[error.start : error.end]:
        plain = unicodedata.normalize("NFD", character).encode("ascii", "ignore").decode()
        shown += _ASCII.get(character) or plain or "?"
    return shown, error.end


def print_anywhere() -> None:
    """Let what is printed reach a terminal, whatever it can show."""
    codecs.register_error("in_ascii", in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="in_ascii")


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
