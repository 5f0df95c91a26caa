"""Where the project lies: ROOT, as a path that every command and input can hold. No rule stands here.

A run may start in any folder, and another workflow may use this one as a module, from a folder or from a Git host.
"""

import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from snakemake.sourcecache import HostingProviderFile

UNPACKED = Path(".snakemake") / "tom-transfer"


def link_project(folder):
    """Let UNPACKED be a link to a folder, and return it. It is replaced in one step: another run may read it."""
    if not (UNPACKED.is_symlink() and UNPACKED.readlink() == folder):
        UNPACKED.parent.mkdir(exist_ok=True)
        link = UNPACKED.with_name(f"{UNPACKED.name}.{os.getpid()}")
        link.symlink_to(folder)
        link.replace(UNPACKED)
    return UNPACKED


def unpack_project(source):
    """The files of a commit at a Git host. Snakemake fetches the files that it reads itself; jobs need the others."""
    repository = source.hosted_repo.repo
    commit = repository.commit(source.commit or source.tag or source.branch).hexsha
    folder = UNPACKED.with_name(f"{UNPACKED.name}-{commit}")
    if not folder.exists():
        UNPACKED.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=UNPACKED.parent, ignore_cleanup_errors=True) as temporary:
            with tempfile.TemporaryFile() as packed:
                repository.archive(packed, commit)
                packed.seek(0)
                with tarfile.open(fileobj=packed) as archive:
                    archive.extractall(temporary, filter="data")
            os.chmod(temporary, 0o755)
            # Another run may have been first.
            with suppress(OSError):
                os.rename(temporary, folder)
    return link_project(Path(folder.name))


def project_folder():
    """The project, relative to the working directory, so that a moved project reruns nothing."""
    rules = workflow.current_basedir
    if isinstance(rules, HostingProviderFile):
        return unpack_project(rules)
    folder = Path(rules.get_path_or_uri(secret_free=True)).parents[1]
    root = Path(os.path.relpath(folder))
    # Snakemake takes a name in braces for a wildcard.
    return link_project(folder) if {"{", "}"} & set(str(root)) else root


ROOT = project_folder()
