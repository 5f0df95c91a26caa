"""Model hub repositories, fetched once into a cache shared by projects and nodes, and checked by hash."""

import re
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import file_sha256

FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
_SHA256 = re.compile("[0-9a-f]{64}")


def fetch_repository(repository: str, revision: str, cache: Path) -> Path:
    """The folder of a repository at a revision in the cache. Files that are already there are not downloaded.

    The folder is in `cache`/hub, with the layout of the hub client, so ~/.cache/huggingface is the client's own cache.
    Errors: UserError if the repository can not be fetched, or if a file does not have the hash that the hub lists.
    """
    # The import takes a second, and only this source needs it.
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(repository, revision=revision, allow_patterns=FILES, cache_dir=cache / "hub")
    except Exception as error:  # noqa: BLE001 includes those of the client's HTTP library
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"hub {repository} at {revision}: {reason}") from None
    check_blobs(Path(found))
    return Path(found)


def check_blobs(snapshot: Path) -> None:
    """Raise UserError unless each large file of a snapshot has the hash in its blob's name.

    Files are links to blobs. The blob of a large file is named by its SHA-256, that of a small file by its git hash.
    """
    for file in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        blob = file.resolve()
        if _SHA256.fullmatch(blob.name) and (sha256 := file_sha256(blob)) != blob.name:
            raise UserError(f"{file}: SHA-256 {sha256}, the hub says {blob.name}; delete {blob} and run again")
