"""Where the numbers come from: the config, and hashes of weights, tokenizers, templates, prompts and texts."""

import hashlib
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import polars as pl
import yaml

from tom.core.errors import UserError
from tom.core.files import file_sha256
from tom.engines.registry import engine_names
from tom.page.html_tables import Table, to_table

PACKAGES = (
    "snakemake", "torch", "transformers", "tokenizers", "peft", "accelerate", "bitsandbytes", "safetensors",
    "openai", "polars", "numpy", "scipy", "statsmodels", "matplotlib",
)  # fmt: skip


def versions() -> list[tuple[str, str]]:
    """(package, version) of Python, and of each of PACKAGES and of the engines' packages that is installed."""
    found = [("python", platform.python_version())]
    for package in dict.fromkeys([*PACKAGES, *engine_names()]):
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def commit(project: Path) -> str | None:
    """The commit that is checked out, with a remark if files differ from it; None outside a repository of its own."""
    top = _git(project, "rev-parse", "--show-toplevel")
    # A project that was unpacked inside another repository has no commit of its own.
    if top is None or Path(top).resolve() != project.resolve():
        return None
    head = _git(project, "rev-parse", "HEAD")
    changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    return f"{head}, with uncommitted changes" if head and changed else head


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


PARTS = (
    ("template", ("chat_template*",)),
    ("tokenizer", ("tokenizer*", "vocab*", "merges*", "special_tokens*", "added_tokens*", "*.model")),
    ("weights", ("*.safetensors", "*.bin", "*.gguf", "*.index.json")),
    ("settings", ("*.json",)),
)
"""Part of a model → patterns of its files' names. The first that fits counts."""

MEANINGS = {
    "what": ("", "", "model or adapter, by the folder of its manifest"),
    "part": ("", "", "weights, tokenizer, chat template or settings; all: a hash over the hashes of the files"),
    "sha256": ("", "", "of the file's bytes"),
}


def part_of(file: str) -> str:
    """`model.safetensors` → `weights`."""
    fitting = (part for part, patterns in PARTS if any(Path(file).match(pattern) for pattern in patterns))
    return next(fitting, "other")


def model_table(manifests: list[Path]) -> Table:
    """The files of every model and adapter, with hashes. Errors: UserError names a manifest that can't be read."""
    rows = []
    for manifest in manifests:
        what = "/".join(manifest.parent.parts[-3:])
        document = _read_manifest(manifest)
        rows.append({"what": what, "part": "all", "file": "", "sha256": document["sha256"]})
        rows += [
            {"what": what, "part": part_of(file), "file": file, "sha256": digest}
            for file, digest in sorted(document["files"].items())
        ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("what", "part", "file", "sha256"), pl.String))
    files = [str(manifest) for manifest in manifests]
    return to_table(frame, MEANINGS, "models-table", "Weights, tokenizers, templates", "", files, ("what", "part"))


def _read_manifest(file: Path) -> dict:
    try:
        document = json.loads(file.read_text())
        return {"sha256": str(document["sha256"]), "files": dict(document["files"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a model's manifest ({type(error).__name__})") from None


def text_table(files: list[Path]) -> Table:
    """The files from which prompts are composed, and the published counts, with their hashes."""
    rows = {"file": list(map(str, files)), "sha256": [_hash(file) for file in files]}
    return to_table(pl.DataFrame(rows), MEANINGS, "texts-table", "Texts and counts")


def _hash(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise UserError(f"{file}: can't be read ({type(error).__name__})") from None


def config_sha256(config: dict) -> str:
    """A hash of a config that does not depend on the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def config_text(config: dict) -> str:
    """A config as YAML, with sorted keys."""
    return yaml.safe_dump(config, sort_keys=True, allow_unicode=True, width=100)
