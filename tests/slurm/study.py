"""A study on the tiny pair, run by Snakemake on the tests' cluster."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import psutil
from cluster import Cluster
from project import REPOSITORY, Project

from tom.config.store import Store

CONFIGFILES = ("config/config.yaml", "config/tiny_pair.yaml", "study.yaml")
TEACHER, BASE, TUNED = "teacher", "base", "tuned-seed1"
IN_SAMPLE = (("prisoners_dilemma", "business"), ("prisoners_dilemma", "friendship"))
NOT_TAUGHT = (("prisoners_dilemma", "sports"), ("public_goods", "neutral"))
SNAKEMAKE = Path(__file__).with_name("hurried_snakemake.py")
DEADLY = Path(__file__).with_name("deadly")
PATIENCE_SECONDS = 900  # of one run


@dataclass(frozen=True)
class Study:
    """A folder with the workflow and its results, and the cluster that it runs on."""

    project: Project
    cluster: Cluster

    @classmethod
    def create(cls, folder: Path, cluster: Cluster) -> "Study":
        project = Project.create(folder, REPOSITORY / "resources/tiny_pair/student")
        shutil.copy2(Path(__file__).with_name("study.yaml"), folder)
        return cls(replace(project, configfiles=CONFIGFILES), cluster)

    def copy(self, folder: Path) -> "Study":
        """The same study elsewhere, its results and Snakemake's memory of them included."""
        return Study(replace(self.project.copy(folder), configfiles=CONFIGFILES), self.cluster)

    @property
    def results(self) -> Path:
        return self.project.folder / "results"

    @cached_property
    def store(self) -> Store:
        """What the keys in the paths of the results stand for."""
        return self.project.store()

    def sampled(self, model: str) -> str:
        """The folder of a model's shards, logs and benchmark files, and the name of its group."""
        return f"{model}-{self.store.weights_key(model)}"

    def run(self, *arguments: str) -> "Run":
        """Run Snakemake to its end."""
        with self.running(*arguments) as run:
            run.wait()
        return run

    def succeed(self, *arguments: str) -> str:
        """Run Snakemake and return what it said; fail if it failed."""
        run = self.run(*arguments)
        assert run.process.returncode == 0, run.said()
        return run.said()

    @contextmanager
    def running(self, *arguments: str) -> Iterator["Run"]:
        """A run of Snakemake under way; targets come first."""
        settings = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20"]
        # The attempts of a check (profiles/slurm) last a minute, three times as long as the tests' outage.
        settings += ["--max-status-checks-per-second", "2"]
        command = [sys.executable, SNAKEMAKE, *arguments, "--workflow-profile", "profiles/slurm", *settings]
        log = self.project.folder / f"run-{len(list(self.project.folder.glob('run-*.log')))}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, "--configfile", *CONFIGFILES],
                cwd=self.project.folder,
                env=self.cluster.environment | self.deaths() | {"PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        try:
            yield Run(process, log, self)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    @property
    def locked(self) -> bool:
        """Whether a run has left its lock behind."""
        return any((self.project.folder / ".snakemake/locks").glob("*"))

    @property
    def to_die(self) -> Path:
        """The folder of the deaths that processes of this study are to die (deadly/sitecustomize.py)."""
        return self.project.folder / "deaths"

    def kill_later(self, script: str, flag: str = "", times: int = 1) -> None:
        """Let processes that run a script, with this in their flags, kill themselves in the runs to come."""
        self.to_die.mkdir()
        for number in range(times):
            (self.to_die / f"{script}.{number}").write_text(flag)

    def deaths(self) -> dict[str, str]:
        """The environment of a run whose processes die as they were told to."""
        return (
            {"PYTHONPATH": f"{DEADLY}:{os.environ['PYTHONPATH']}", "DEATHS": str(self.to_die)}
            if self.to_die.exists()
            else {}
        )

    def shards(self, model: str) -> list[str]:
        """Paths of a model's shards from the project's folder, sampled or not; the teacher's less those it teaches.

        Without these an adapter would be trained anew.
        """
        return self.store.shards(NOT_TAUGHT if model == TEACHER else IN_SAMPLE + NOT_TAUGHT, [model])

    def forget(self, *models: str) -> list[str]:
        """Delete the shards of some models, and return their paths: targets that bring them back."""
        targets = [shard for model in models for shard in self.shards(model)]
        for shard in targets:
            (self.project.folder / shard).unlink()
        return targets

    def kept(self, *models: str) -> dict[str, int]:
        """When each of the models' shards that are there was written."""
        files = {shard: self.project.folder / shard for model in models for shard in self.shards(model)}
        return {shard: file.stat().st_mtime_ns for shard, file in files.items() if file.exists()}

    def check_same(self, reference: "Study") -> None:
        """Fail unless every result is there, byte for byte that of an undisturbed run, and no part of one besides."""
        ours, theirs = self.project.results(), reference.project.results()
        assert ours.keys() == theirs.keys()
        assert [name for name in ours if ours[name] != theirs[name]] == []
        assert [path for path in self.results.rglob(".*") if path.name.count(".") > 2] == []


@dataclass(frozen=True)
class Run:
    """Snakemake at work on a study."""

    process: subprocess.Popen
    log: Path
    study: Study

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> int:
        """Wait for the end, and return the exit status."""
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def until(self, condition, what: str):
        """Wait until the condition gives something, and return it; fail if the run ends before."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()):
            assert self.process.poll() is None, f"ended before {what}:\n{self.said()}"
            assert time.monotonic() < end, f"no {what}:\n{self.said()}"
            time.sleep(0.1)
        return found

    def job(self, model: str) -> str:
        """The job that samples a model, once it has begun."""
        return self.until(lambda: self.study.cluster.job_of(self.study.sampled(model)), f"a job for {model}")

    def process_of(self, model: str, script: str) -> psutil.Process:
        """A process of that job that runs a script, once there is one."""
        return self.until(lambda: next(self.running(self.job(model), script), None), f"{script} for {model}")

    def running(self, job: str | None, script: str) -> Iterator[psutil.Process]:
        """The processes of a job, or of any, that run a script."""
        for process in self.study.cluster.processes(job):
            with suppress(psutil.NoSuchProcess):
                if any(word.endswith(script) for word in process.cmdline()[1:2]):
                    yield process

    def sampled_at_present(self, model: str) -> set[str]:
        """The shards that a model's job works on."""
        job, shards = self.study.cluster.job_of(self.study.sampled(model)), set()
        for process in self.running(job, "sample_shard.py") if job else ():
            with suppress(psutil.NoSuchProcess):
                shards |= set(process.cmdline()[-1:])
        return shards

    def at_work(self, model: str) -> bool:
        """Whether a model's job has finished a shard and works on the next."""
        kept = self.study.kept(model)
        return bool(kept and self.sampled_at_present(model) - kept.keys())

    @contextmanager
    def held_up(self, model: str) -> Iterator[None]:
        """The engine of a model's job, stopped for a while."""
        engine = self.process_of(model, "serve_engine.py")
        engine.suspend()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                engine.resume()
