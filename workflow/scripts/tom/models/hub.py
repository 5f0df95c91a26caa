"""Repositories of a model hub: fetched once into a cache that projects and nodes share, checked by hash."""

import re
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import file_sha256

FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
_SHA256 = re.compile("[0-9a-f]{64}")


def fetch_repository(repository: str, revision: str, cache: Path) -> Path:
    """Folder of a repository at a revision in the cache; nothing is downloaded that is there already.

    It lies in `cache`/hub, as the hub client lays out its own cache: a cache of ~/.cache/huggingface is the client's.
    Errors: UserError if it can't be had, or if a file's content is not what the hub calls it by.
    """
    # Takes a second to import, and other sources do without.
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(repository, revision=revision, allow_patterns=FILES, cache_dir=cache / "hub")
    except Exception as error:  # noqa: BLE001 errors of the client's HTTP library as well, whichever that is
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"hub {repository} at {revision}: {reason}") from None
    check_blobs(Path(found))
    return Path(found)


def check_blobs(snapshot: Path) -> None:
    """Raise UserError unless each large file of a snapshot has the hash that it is called by.

    Files are links to blobs. The hub calls a large file's blob by its SHA-256, a small one's by git's own hash.
    """
    for file in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        blob = file.resolve()
        if _SHA256.fullmatch(blob.name) and (sha256 := file_sha256(blob)) != blob.name:
            raise UserError(f"{file}: SHA-256 {sha256}, the hub says {blob.name}; delete {blob} and run again")
