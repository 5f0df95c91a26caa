"""Model folders and their manifests, which list the hash of each file.

Rules depend on the manifest instead of the weights. Snakemake compares files below 1 MB by content, so touching a
weights file reruns nothing, and changed weights rerun every job that reads them.
"""

import hashlib
import json
import os
import time
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import atomic_file, file_sha256, log_written, private_folder, write_json
from tom.models.checkpoint_files import INDEX, WEIGHTS, check_whole, weight_files

REMEMBERED_BYTES = 2**20
"""Hashes of smaller files are not remembered: they take no time."""
SETTLED_SECONDS = 2
"""A file that changed since then may change once more without another time stamp, so its hash is not remembered."""


def hash_folder(folder: str | Path) -> dict[str, str]:
    """Relative path → SHA-256 of each file in the folder and its subfolders, except hidden ones."""
    return {name.as_posix(): known_sha256(Path(folder) / name) for name in shown_files(folder)}


def known_sha256(file: str | Path) -> str:
    """The SHA-256 hash of a file, in hexadecimal. A large file is read once for each user, machine and state of it.

    Its state is path, size, inode and the times at which content and inode changed, in ns. A change that leaves all of
    these as they were, such as a faulty disk's, is not found.
    """
    file = Path(file).resolve()
    state = _state(file)
    if state[2] < REMEMBERED_BYTES:
        return file_sha256(file)
    try:
        memory = private_folder() / "hashes" / hashlib.sha256(json.dumps([str(file), *state]).encode()).hexdigest()
    except UserError:  # /tmp may belong to someone else
        return file_sha256(file)
    if memory.is_file():
        return memory.read_text()
    settled = time.time() - max(state[-2:]) / 1e9 > SETTLED_SECONDS
    found = file_sha256(file)
    if settled and _state(file) == state:
        with atomic_file(memory) as temporary:
            temporary.write_text(found)
    return found


def _state(file: Path) -> tuple[int, ...]:
    status = os.stat(file)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def shown_files(folder: str | Path) -> list[Path]:
    """The relative paths of all files in a folder that are not hidden.

    Hidden files are left out because Snakemake writes a hidden time stamp to each folder that is an output of a rule.
    """
    folder = Path(folder)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [name for name in names if not any(part.startswith(".") for part in name.parts)]


def check_is_model(folder: str | Path) -> None:
    """Raise UserError unless the folder holds a configuration, weights and a tokenizer, each to its end."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such model folder")
    missing = [name for name in ("config.json", "tokenizer_config.json") if not (folder / name).is_file()]
    if not weight_files(folder) and not any(folder.glob("pytorch_model*.bin")):
        shards = any(folder.glob("*.safetensors"))
        missing.append(f"{INDEX}, which lists its shards" if shards else f"{WEIGHTS} (or its shards)")
    if missing:
        raise UserError(f"{folder}: not a model folder, it lacks {', '.join(missing)}")
    check_whole(folder)


def content_sha256(files: dict[str, str]) -> str:
    """One hash for a whole folder. files: relative path → SHA-256."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def write_manifest(target: str | Path, folder: str | Path, source: str) -> None:
    """Hash the folder and write its manifest to `target`. source: where the weights come from, for the manifest."""
    files = hash_folder(folder)
    write_json(target, {"sha256": content_sha256(files), "source": source, "files": files})
    log_written(folder, f"{len(files)} files")


def read_manifest(file: str | Path) -> dict:
    """Read a manifest. Errors: UserError if it is missing or broken."""
    try:
        manifest = json.loads(Path(file).read_text())
        return manifest | {"sha256": content_sha256(manifest["files"])}
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: no readable manifest ({type(error).__name__}: {error})") from None


def verify(folder: str | Path, manifest: dict) -> None:
    """Raise UserError unless the folder holds exactly what its manifest lists."""
    found = hash_folder(folder)
    listed = manifest["files"]
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise UserError(f"{Path(folder) / name}: listed in the manifest, missing in the folder")
        if name not in listed:
            raise UserError(f"{Path(folder) / name}: not listed in the manifest; prepare the model again")
        if found[name] != listed[name]:
            raise UserError(
                f"{Path(folder) / name}: SHA-256 {found[name]}, "
                f"the manifest says {listed[name]}; prepare the model again"
            )


def link_folder(source: Path, folder: Path) -> None:
    """Fill `folder` with symbolic links to the files of `source`, so that weights are not copied."""
    for name in shown_files(source):
        link_file(source / name, folder / name)


def link_file(source: Path, link: Path) -> None:
    """Make `link` a symbolic link to the file itself, even if `source` is a link to it."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(source.resolve())
