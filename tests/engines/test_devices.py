"""Which GPUs a job gets: real processes on machines with fake GPUs (tests/helpers/fake_gpus)."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engine_processes import private_engines, servers, wait_until
from fake_gpu_machine import gpu_variables

from tom.core.errors import UserError
from tom.engines import devices, parent_run
from tom.engines.opening import with_local_engine
from tom.engines.resident import ResidentEngine, engine_key, resident_engine

# A torch that takes no seconds to import; tests/helpers/fake_gpus gives it its GPUs.
JOB = """
import os, sys
from types import SimpleNamespace
cuda = SimpleNamespace(is_available=None, device_count=None)
sys.modules["torch"] = SimpleNamespace(__version__="2.13.0+cu130", version=SimpleNamespace(cuda=None), cuda=cuda)
from tom.core.errors import run_main
from tom.engines.devices import VISIBLE, take_devices, torch_device

def main():
    gpus = int(sys.argv[1])
    take_devices(gpus)
    torch_device(gpus)
    print(os.environ[VISIBLE], flush=True)
    sys.stdin.readline()

run_main(main)
"""


class Job:
    """A job that takes GPUs, says which, and holds them until it is told to end."""

    def __init__(self, folder: Path, gpus: int, environment: dict[str, str]):
        folder.mkdir()
        self.said, self.log = folder / "said", folder / "log"
        with self.said.open("w") as said, self.log.open("w") as log:
            command = [sys.executable, "-c", JOB, str(gpus)]
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=said, stderr=log)

    @property
    def devices(self) -> list[str]:
        """What it may use, once it has it: the names in CUDA_VISIBLE_DEVICES."""
        return self.said.read_text().strip().split(",") if self.has_devices() else []

    def has_devices(self) -> bool:
        return self.said.read_text().endswith("\n")

    def wait(self) -> "Job":
        """Return once it has its GPUs."""
        assert wait_until(lambda: self.has_devices() or self.process.poll() is not None)
        assert self.has_devices(), self.log.read_text()
        return self

    def end(self) -> str:
        """Its log, once it ended without an error."""
        self.process.communicate(b"\n", timeout=60)
        assert self.process.returncode == 0, self.log.read_text()
        return self.log.read_text()

    def error(self) -> str:
        """Its log, once it ended with a user error."""
        self.process.communicate(timeout=60)
        assert self.process.returncode == 2, self.log.read_text()
        return self.log.read_text()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that makes this and later processes run on a machine with so many GPUs."""
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "SLURM_JOB_ID", parent_run.VARIABLE):
        # Set first, so that what a test leaves there is taken away.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def make(gpus: int, **settings) -> None:
        for name, value in gpu_variables(tmp_path / "machine", gpus, **settings).items():
            monkeypatch.setenv(name, value)

    # No engine of an earlier test's machine answers.
    with private_engines() as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        yield make


@pytest.fixture
def start(tmp_path):
    """A function that starts a job; its keywords are environment variables."""
    jobs = []

    def started(gpus: int, **variables: str) -> Job:
        jobs.append(Job(tmp_path / f"job{len(jobs)}", gpus, os.environ | variables))
        return jobs[-1]

    yield started
    for job in jobs:
        job.process.kill()
        job.process.communicate()


@pytest.fixture
def on_a_gpu(local_model):
    """The tiny model as a job names it that computes on a GPU."""
    return replace(local_model, gpus=1)


def engines_of(model) -> set[int]:
    """Process ids of a model's engines."""
    return servers(devices.private_folder() / engine_key(model))


def test_jobs_at_a_time_have_gpus_of_their_own(machine, start):
    machine(4)
    jobs = [start(1) for _ in range(6)]
    # A fake GPU lets in one process at a time, so a shared one would end a job with an error.
    assert wait_until(lambda: sum(job.has_devices() for job in jobs) == 4)
    first = [job for job in jobs if job.has_devices()]
    waiting = [job for job in jobs if job not in first]
    assert sorted(name for job in first for name in job.devices) == ["0", "1", "2", "3"]
    assert wait_until(lambda: all("waits for 1 GPU" in job.log.read_text() for job in waiting))
    freed = [first[0].devices, first[2].devices]
    assert f"on GPU {freed[0][0]} (Fake A100)" in first[0].end()
    first[2].end()
    assert sorted(job.wait().devices for job in waiting) == sorted(freed)
    for job in (first[1], first[3], *waiting):
        job.end()


def test_jobs_that_need_several_gpus_wait_for_all_of_them_and_not_for_each_other(machine, start):
    machine(4)
    one, three = start(1).wait(), start(3).wait()
    jobs = [start(4), start(3), start(2)]
    time.sleep(1)
    assert not any(job.has_devices() for job in jobs)
    one.end()
    three.end()
    for _ in jobs:
        assert wait_until(lambda: any(job.has_devices() for job in jobs))
        job = next(job for job in jobs if job.has_devices())
        job.end()
        jobs.remove(job)


def test_a_killed_job_gives_its_gpu_back(machine, start):
    machine(1)
    one = start(1).wait()
    other = start(1)
    time.sleep(0.5)
    assert not other.has_devices()
    one.process.send_signal(signal.SIGKILL)
    assert other.wait().devices == ["0"]


@pytest.mark.parametrize("variables", [{}, {"CUDA_VISIBLE_DEVICES": "0,1"}])
def test_without_gpus_a_job_sees_none(machine, start, variables):
    machine(2)
    job = start(0, **variables).wait()
    assert job.devices == [""]
    assert "on GPU" not in job.end()


def test_it_takes_what_the_user_or_slurm_lets_it_have(machine, start):
    machine(4)
    uuid = devices.visible_devices()[3].uuid
    found = [start(1, CUDA_VISIBLE_DEVICES=names).wait().devices for names in ("2", "1,2", f"{uuid[:12]},0")]
    assert found == [["2"], ["1"], ["3"]]
    assert start(2, CUDA_VISIBLE_DEVICES="MIG-1,MIG-2").wait().devices == ["MIG-1", "MIG-2"]
    # CUDA ignores what follows a name that it doesn't know.
    said = start(2, CUDA_VISIBLE_DEVICES="0,7,1").error()
    assert "gpus: 2, but 1 can be used with CUDA_VISIBLE_DEVICES=0,7,1" in said
    assert "gpus: 1, but 0 can be used with CUDA_VISIBLE_DEVICES=" in start(1, CUDA_VISIBLE_DEVICES="").error()


def test_slurm_alone_shares_out_gpus_between_its_jobs(machine, start):
    """Two allocations of one user on one node: whichever SLURM gave, no lock keeps them from it."""
    machine(2)
    assert start(1, CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="7").wait().devices == ["0"]
    assert start(1, CUDA_VISIBLE_DEVICES="1", SLURM_JOB_ID="8").wait().devices == ["1"]
    inside = start(1, CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="7")
    time.sleep(0.5)
    assert not inside.has_devices()


def test_too_old_a_driver_is_the_one_error(machine, start):
    machine(1, driver="535.104.05")
    said = start(1).error()
    assert said.count("error: ") == 1 and "Traceback" not in said
    assert "The driver's version is 535.104.05;" in said
    assert "torch 2.13.0+cu130 is built for CUDA 13.0, which needs driver 580 or newer" in said


def test_without_a_driver_or_with_too_few_gpus_the_error_says_so(machine, start, tmp_path):
    machine(0)
    said = start(1).error()
    assert "gpus: 1, but the NVIDIA driver doesn't answer: nvidia-smi says: NVIDIA-SMI has failed" in said
    said = start(1, PATH="/nowhere").error()
    assert "gpus: 1, but no NVIDIA driver was found here: nvidia-smi can't be run (No such file" in said


def test_a_torch_for_cpus_alone_is_named(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert devices.torch_device(0) == "cpu"
    with pytest.raises(UserError, match=rf"gpus: 1, but torch {re.escape(torch.__version__)} of this environment"):
        devices.torch_device(1)


def test_an_engine_holds_its_gpu_and_gives_way_to_a_job(machine, start, on_a_gpu, asked, scores, capsys):
    machine(1)
    with resident_engine(on_a_gpu, 600) as engine:
        assert engine.score(asked) == scores
        assert "resident engine on GPU 0 (Fake A100)" in capsys.readouterr().err
        job = start(1)
        time.sleep(1)
        assert not job.has_devices() and len(engines_of(on_a_gpu)) == 1  # it has a client
    assert job.wait().devices == ["0"]
    assert not engines_of(on_a_gpu)
    assert job.process.poll() is None
    job.end()
    with resident_engine(on_a_gpu, 600) as engine:
        assert engine.score(asked) == scores


def test_of_two_idle_engines_the_one_that_was_idle_for_longer_ends(machine, start, on_a_gpu, asked):
    machine(2)
    other = replace(on_a_gpu, threads=2)
    for model in (on_a_gpu, other, on_a_gpu):
        with resident_engine(model, 600) as engine:
            engine.score(asked[:1])
    assert len(engines_of(on_a_gpu)) == len(engines_of(other)) == 1
    start(1).wait()
    assert len(engines_of(on_a_gpu)) == 1 and not engines_of(other)


def test_a_second_client_waits_for_the_engine_where_there_is_one_gpu(machine, on_a_gpu, asked, scores):
    """And the engine that it waits for does not end for it."""
    machine(1)
    script = """
import pickle, sys
from tom.engines.resident import resident_engine
model, asked = pickle.load(sys.stdin.buffer)
with resident_engine(model, 600) as engine:
    engine.score(asked)
"""
    with resident_engine(on_a_gpu, 600) as engine:
        assert engine.score(asked) == scores
        before = engines_of(on_a_gpu)
        client = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        client.stdin.write(pickle.dumps((on_a_gpu, asked)))
        client.stdin.close()
        assert b"waits for 1 GPU" in client.stderr.readline()
    assert client.wait(60) == 0
    assert engines_of(on_a_gpu) == before


def test_an_engine_is_for_the_gpus_that_a_run_may_use(machine, on_a_gpu, local_model, monkeypatch):
    keys = [engine_key(local_model), engine_key(on_a_gpu), engine_key(replace(on_a_gpu, gpus=2))]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    keys.append(engine_key(on_a_gpu))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    keys.append(engine_key(on_a_gpu))
    assert len(set(keys)) == 5
    assert engine_key(local_model) == keys[0]


def test_an_engine_that_can_not_use_the_gpu_is_the_one_error(machine, on_a_gpu, asked):
    machine(1, driver="535.104.05")
    with pytest.raises(UserError, match=r"^gpus: 1, but torch can't use so many here\. The driver's version is 535"):
        with_local_engine(on_a_gpu, 600, lambda engine: engine.score(asked))


def test_a_killed_engine_gives_its_gpu_to_the_next(machine, on_a_gpu, asked, scores):
    machine(1)

    def work(engine):
        calls.append(type(engine))
        if len(calls) == 1:
            for pid in engines_of(on_a_gpu):
                os.kill(pid, signal.SIGKILL)
        return engine.score(asked)

    calls = []
    assert with_local_engine(on_a_gpu, 600, work) == scores
    assert calls == [ResidentEngine, ResidentEngine]


@pytest.mark.parametrize(
    ("cpuinfo", "slow"),
    [
        ("processor: 0\nflags\t\t: fpu sse avx2 f16c\n", True),
        ("processor: 0\nflags\t\t: fpu avx2 avx512bw avx512_bf16\n", False),
        ("processor: 0\nFeatures\t: fp asimd\n", False),
        (None, False),
    ],
    ids=["x86", "x86 with AVX-512", "another kind", "unknown"],
)
def test_a_cpu_that_is_slow_at_16_bits_is_known(tmp_path, cpuinfo, slow):
    file = tmp_path / "cpuinfo"
    if cpuinfo:
        file.write_text(cpuinfo)
    assert devices.multiplies_16_bits_slowly(file) == slow
