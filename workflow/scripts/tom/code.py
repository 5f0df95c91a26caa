"""Which of this project's files a script runs, so that rules can declare their code as an input."""

import ast
import hashlib
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]


@cache
def _imported(file: Path) -> tuple[Path, ...]:
    """Local modules that one file names in an import, at any depth of its code."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    files = (SCRIPTS.joinpath(*name.split(".")).with_suffix(".py") for name in names)
    return tuple(file for file in files if file.is_file())


@cache
def code_of(script: str) -> tuple[Path, ...]:
    """The script, then every local module that it imports, directly or not, in a fixed order."""
    found, waiting = set(), [SCRIPTS / script]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file)
    return (SCRIPTS / script, *sorted(found - {SCRIPTS / script}))


def code_sha256(script: str) -> str:
    """One hash over all the code that a script runs."""
    digest = hashlib.sha256()
    for file in code_of(script):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
