"""Errors of other libraries and of the operating system, in one line that says what to mend."""

import errno
import os
from collections.abc import Iterator

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


def first_line(error: Exception) -> str:
    """The first line of another library's error, or its kind if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def explain(error: Exception) -> str:
    """One line about an error that nothing foresaw, of whatever library: what happened, and what to mend."""
    chain = list(causes(error))
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
    if "Proxy" in kinds or ("Connect" in kinds and proxies_set()):
        named = ", ".join(proxies_set() or PROXIES)
        return f"{said}; check the proxy of this machine ({named}; NO_PROXY leaves hosts out)"
    if "MemoryError" in kinds or "out of memory" in text.lower() or "can't allocate memory" in text:
        advice = "lower training.tokens_per_pack or transformers.replies_per_batch, or run fewer jobs at a time"
        return f"{said}; memory ran out: {advice}"
    for found in chain:
        if isinstance(found, OSError) and found.errno in _ADVICE:
            return f"{said}; {_ADVICE[found.errno]}"
    if isinstance(error, ImportError):
        return f"{said}; install what envs/requirements.txt pins"
    return f"{said}; nothing here foresaw it: please report it"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def proxies_set() -> list[str]:
    """The variables that name a proxy here."""
    return [name for kind in PROXIES for name in (kind, kind.lower()) if os.environ.get(name)]
