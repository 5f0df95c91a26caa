"""The software that built the page, and the commit of the project it lies in."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "snakemake", "torch", "transformers", "tokenizers", "peft", "accelerate", "bitsandbytes", "safetensors", "vllm",
    "openai", "polars", "numpy", "scipy", "statsmodels", "matplotlib",
)  # fmt: skip


def versions() -> list[tuple[str, str]]:
    """(package, version) of Python and of each of PACKAGES that is installed."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def commit(project: Path) -> str | None:
    """The commit that is checked out, with a remark if files differ from it; None where the project has none."""
    top = _git(project, "rev-parse", "--show-toplevel")
    # A project unpacked inside somebody else's repository is not that repository's commit.
    if top is None or Path(top).resolve() != project.resolve():
        return None
    head = _git(project, "rev-parse", "HEAD")
    changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    return f"{head}, with changes that are not committed" if head and changed else head


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
