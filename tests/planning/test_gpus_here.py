"""A plan whose jobs ask for more GPUs than are here says why they would be refused, and what to do."""

from pathlib import Path

import polars as pl
import pytest

from tom.engines import devices
from tom.engines.devices import Device
from tom.planning import gpus_here
from tom.planning.forecast import Sharing, forecast
from tom.planning.planned_jobs import PlannedJob


def plan(gpus: int, reason: str | None = "code") -> pl.DataFrame:
    """Of one job."""
    return forecast([PlannedJob("train", "train_adapter", "", (Path("absent"),), reason, gpus=gpus)], Sharing({}, 0), 1)


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two."""
    found = [Device(str(number), f"GPU-{number}", "A100") for number in range(2)]
    for module in (devices, gpus_here):
        monkeypatch.setattr(module, "visible_devices", lambda: found)


@pytest.mark.usefixtures("two_gpus")
def test_a_plan_within_what_is_here_needs_no_remedy():
    for fits in (plan(0), plan(2), plan(4, reason=None)):
        assert gpus_here.missing_gpus(fits) == gpus_here.remedy(fits) == ""


@pytest.mark.usefixtures("two_gpus")
def test_a_plan_that_asks_for_more_names_what_is_here_and_what_is_asked_for():
    assert gpus_here.missing_gpus(plan(4)).startswith("gpus: 4, but 2 can be used")
    assert "in your config to up to 2; or start the run where 4 GPUs can be used" in gpus_here.remedy(plan(4))


def test_without_a_driver_the_remedy_is_the_cpu(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "gpus: 1, but no NVIDIA driver was found here" in gpus_here.missing_gpus(plan(1))
    assert "config to 0, to compute on the CPU; or start the run where 1 GPU can" in gpus_here.remedy(plan(1))
