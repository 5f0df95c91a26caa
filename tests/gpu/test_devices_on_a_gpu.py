"""Jobs on a real GPU: with gpus: 0 they see none, with 1 one, which an idle engine gives back, memory and all."""

import subprocess
import sys
from dataclasses import replace

import pytest
from engine_processes import private_engines
from fake_gpu_machine import SCRIPTS, gpu_variables

from tom.engines.resident import resident_engine

# A job that takes GPUs, says what torch sees of them, and fills most of the memory of one.
JOB = """
import sys
from tom.engines.devices import take_devices, torch_device
gpus = int(sys.argv[1])
take_devices(gpus)
device = torch_device(gpus)
import torch
print(device, torch.cuda.device_count() if torch.cuda.is_available() else 0)
if device == "cuda":
    total = torch.cuda.get_device_properties(0).total_memory
    torch.ones(int(0.85 * total), dtype=torch.uint8, device=device).sum()
"""


@pytest.fixture
def machine(device, tmp_path, local_model, monkeypatch):
    """This machine, or one with a fake GPU where the device under test is the CPU; engines of this test alone."""
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS))
    for name, value in gpu_variables(tmp_path / "machine", 1).items() if device == "cpu" else ():
        monkeypatch.setenv(name, value)
    with private_engines() as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        yield


def run_job(gpus: int) -> str:
    """What a job said."""
    done = subprocess.run([sys.executable, "-c", JOB, str(gpus)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_job_sees_as_many_gpus_as_it_is_told(machine, device):
    assert run_job(0) == "cpu 0"
    assert run_job(1) == ("cuda 1" if device == "cuda" else "cpu 0")


def test_an_engine_on_the_gpu_answers_as_on_a_cpu_and_gives_way(machine, local_model, asked, scores, capsys):
    with resident_engine(replace(local_model, gpus=1), 600) as engine:
        found = engine.score(asked)
        assert "resident engine on GPU " in capsys.readouterr().err
    for one, other in zip(found, scores, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-3)
    run_job(1)
