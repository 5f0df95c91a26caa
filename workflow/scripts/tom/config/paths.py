"""Paths in a config: each is as good wherever a run starts, and written in one way."""

import os.path
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tom.core.errors import UserError

READ = (
    "teacher.folder",
    "student.folder",
    "teacher.recorded.counts",
    "teacher.recorded.contributions",
    "teacher.recorded.replies.file",
    "adapters",
)
"""Keys of files and folders that a run reads."""


def settle_paths(config: dict[str, Any], project: Path) -> None:
    """Rewrite the paths of a config in place: ~ is the home folder, and `results` ends without a slash.

    What is read and is not there is taken from the project if it is there, so that a shipped config holds in any
    working directory. Values that are no text stay as they are.
    """
    for key in (*READ, "results"):
        *sections, last = key.split(".")
        section = config
        for name in sections:
            section = section.get(name) if isinstance(section, dict) else None
        if not isinstance(section, dict) or not isinstance(path := section.get(last), str) or not path:
            continue
        if path.startswith("~"):
            path = os.path.expanduser(path)
        if key == "results":
            path = os.path.normpath(path)
        elif not os.path.exists(path) and os.path.exists(project / path):
            path = str(project / path)
        section[last] = path


def check_results(config: dict[str, Any], file: str, resources: Path) -> None:
    """Raise UserError unless results are in a folder, or can be in one."""
    folder = Path(config["results"]).absolute()
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        why = f"{there} is no folder"
    else:
        try:
            if there != folder:
                # What a folder's mode allows is not all: some file systems take no new folder, whoever asks.
                TemporaryDirectory(prefix=".tom-transfer-", dir=there).cleanup()
            return
        except OSError as error:
            why = f"{there} takes no new folder ({error.strerror})"
    raise UserError(f"{file}: results: '{config['results']}': {why} (allowed: a folder that is there, or can be made)")
