"""Atomic writes: an output is written to a temporary path next to its target and then renamed."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tom.core.errors import UserError

POINTER = b"version https://git-lfs"
"""How a file begins that Git LFS has left in place of the real one."""
SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107, macOS 103


@contextmanager
def atomic_file(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder and rename it to `target`, unless the body raises."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp creates files with mode 0600, which colleagues in a shared project folder could not read.
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: str | Path) -> Iterator[Path]:
    """Yield a temporary folder next to `target` and replace `target` with it, unless the body raises."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield temporary
        # Some libraries write weights through temporary files of their own, with mode 0600.
        for path in [temporary, *temporary.rglob("*")]:
            if not path.is_symlink():
                path.chmod((0o777 if path.is_dir() else 0o666) & ~_umask())
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(target: str | Path, document: Any) -> None:
    """Write a document as indented JSON with sorted keys, atomically."""
    with atomic_file(target) as temporary:
        temporary.write_text(
            json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
        )


def read_json(file: Path) -> dict:
    """A JSON object. Errors: UserError names the file if it is none, or if Git LFS has left a pointer in its place."""
    check_no_pointer(file)
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: no readable JSON ({error})") from None
    if not isinstance(document, dict):
        raise UserError(f"{file}: no JSON object")
    return document


def check_no_pointer(file: Path) -> None:
    """Raise UserError if Git LFS has left a pointer in place of the file."""
    with file.open("rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise UserError(f"{file}: a pointer of Git LFS and not the file itself (run `git lfs pull` in its folder)")


def log_written(target: str | Path, what: str) -> None:
    """Report on stderr what was written to `target`."""
    print(f"{target}: {what}", file=sys.stderr, flush=True)


def file_sha256(file: str | Path) -> str:
    """The SHA-256 hash of a file, in hexadecimal."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def file_lock(lock: Path, waiting: str) -> Iterator[None]:
    """Hold a lock file for the body. waiting: what is said while another process holds it."""
    # Takes longer to import than a shard's client runs.
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout:
        print(waiting, file=sys.stderr, flush=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def private_folder() -> Path:
    """This user's folder on this machine, for engines, locks and hashes, unreachable for others. Errors: UserError."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        folder = Path(parent) / f"tom-transfer-{os.getuid()}"
        if len(os.fsencode(folder)) + 40 < SOCKET_PATH_LIMIT:
            break
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat(follow_symlinks=False)
    except OSError as error:
        raise UserError(f"no private folder: {error}") from None
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise UserError(f"{folder} is not a private folder of this user")
    return folder
