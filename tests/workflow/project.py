"""A copy of the workflow in a folder of its own, and runs of Snakemake in it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from compileall import compile_dir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from py_compile import PycInvalidationMode

import yaml
from warm_python import WarmPython
from warm_snakemake import WarmSnakemake

from tom.config.layers import Layer, complete, merge
from tom.config.store import UNCHANGED, Store

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "snakemake")
COPIED = ("Snakefile", "workflow", "config", "resources", "profiles", "docs", "envs")
CONFIGFILES = ("config/config.yaml", "tiny.yaml")
SHARD = re.compile(r"results/shards/([a-z0-9-]+)-[0-9a-f]{8}/[^/]+/([^/]+)/([^/]+)\.parquet")
OF_THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""What Snakemake sets to the threads of a job."""
RESULT_FOLDERS = ("models", "replies", "adapters", "shards", "main/tables", "main/figures")


@cache
def compiled_workflow() -> tempfile.TemporaryDirectory:
    """The files of COPIED, with bytecode and hashes of code that hold in any copy until a file is edited."""
    folder = tempfile.TemporaryDirectory(prefix="tom-transfer-tests-")
    for name in COPIED:
        source, copy = REPOSITORY / name, Path(folder.name) / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    compile_dir(Path(folder.name) / "workflow" / "scripts", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    hash_code(Path(folder.name))
    return folder


def hash_code(folder: Path) -> None:
    """Let a workflow remember the hashes of its code, which cost a start of Snakemake as much as all else."""
    subprocess.run(
        [*COMMAND, "--list-rules"],
        cwd=folder,
        env=environment(),
        check=True,
        capture_output=True,
    )
    for path in (folder / ".snakemake").iterdir():
        if path.name != "code":
            shutil.rmtree(path)


@cache
def warm_python() -> WarmPython:
    """What runs the jobs of this worker's tests: on one core, with what every job's environment has."""
    return WarmPython(environment() | dict.fromkeys(OF_THREADS, "1") | {"PYTHONUTF8": "1"})


@cache
def warm_snakemake() -> WarmSnakemake:
    """What runs Snakemake for this worker's tests."""
    return WarmSnakemake(environment(), warm_python().python)


@dataclass(frozen=True)
class Project:
    """A folder that holds a workflow and what its runs wrote, and the configs that its runs read."""

    folder: Path
    configfiles: tuple[str, ...] = CONFIGFILES

    @classmethod
    def create(cls, folder: Path, model: Path, config: str = "tiny.yaml") -> "Project":
        """Copy the workflow, a model and a config of this folder, as tiny.yaml, to a new folder."""
        folder.mkdir(parents=True)
        shutil.copytree(compiled_workflow().name, folder, dirs_exist_ok=True)
        shutil.copy2(Path(__file__).with_name(config), folder / "tiny.yaml")
        shutil.copytree(model, folder / "tiny-model")
        return cls(folder)

    def copy(self, folder: Path) -> "Project":
        """The same project elsewhere, its results and Snakemake's memory of them included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def command(self, *arguments: str) -> list[str]:
        """The Snakemake command line for this project; targets come first.

        On one core: on two, a model would have two engines, and tests have two workers already.
        """
        return [*COMMAND, *self.words(*arguments)]

    def words(self, *arguments: str) -> list[str]:
        """What stands behind `snakemake` on that command line."""
        return [*arguments, "--cores", "1", "--configfile", *self.configfiles]

    def run(self, *arguments: str, timeout: int = 1800) -> subprocess.CompletedProcess:
        """Run Snakemake to its end."""
        return warm_snakemake().run(self.words(*arguments), self.folder, environment(), timeout)

    def succeed(self, *arguments: str) -> str:
        """Run Snakemake and return what it said; fail if it failed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def experiment(self) -> Path:
        """The folder of the tables, figures and summary of this project's experiment."""
        return self.folder / "results" / self.config()["experiment"]

    def config(self) -> dict:
        """The merged config of this project's runs."""
        config = merge(Layer(file, yaml.safe_load((self.folder / file).read_text())) for file in self.configfiles)
        complete(config)
        return config

    def store(self) -> Store:
        """What the keys in the paths of this project's results stand for; paths are relative to the project."""
        return Store(self.config(), self.folder / "resources")

    def shard(self, model: str, game: str, context: str, **settings) -> str:
        """The path of one shard, relative to the project. settings: as for Store.shards."""
        return self.store().shards([(game, context)], [model], **settings)[0]

    def adapter(self, changes: Mapping = UNCHANGED, seed: int = 1) -> str:
        """The folder of one training, relative to the project. changes: of the config's training section."""
        return f"{self.store().student(changes).folder}/seed{seed}"

    def planned_shards(self, *targets: str) -> set[tuple[str, str, str]]:
        """(model, game, context) of every shard that a run would write; a tuned student without its seed's name."""
        found = (SHARD.search(output) for _, output in self.planned_jobs(*targets))
        return {match.groups() for match in found if match}

    def plan(self, *targets: str) -> Counter:
        """What a run would make: rule → how many jobs, target rules left out."""
        return Counter(rule for rule, _ in self.planned_jobs(*targets))

    def planned_jobs(self, *targets: str) -> list[tuple[str, str]]:
        """(rule, first output) of every job that a run would start."""
        text = self.succeed(*targets, "--dry-run", "--workflow-profile", "none", "--rerun-incomplete")
        jobs = re.findall(r"^(?:rule|localrule) (\w+):\n(?:    input:.*\n)?(?:    output: (.*)\n)?", text, re.MULTILINE)
        return [(rule, output.split(", ")[0]) for rule, output in jobs if output]

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace one piece of text that stands in a file exactly once."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))

    def results(self) -> dict[str, bytes]:
        """Every result file's bytes, by its path below results/."""
        root = self.folder / "results"
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for name in RESULT_FOLDERS
            for path in sorted((root / name).rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        } | {"main/summary.md": (root / "main" / "summary.md").read_bytes()}


def environment() -> dict[str, str]:
    """This process's environment, less what would tie the run to a run around it."""
    kept = {key: value for key, value in os.environ.items() if key not in ("TOM_TRANSFER_RUN", "SNAKEMAKE_PROFILE")}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}
