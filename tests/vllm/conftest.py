"""What the tests of the vLLM engine share. They run in an environment of their own: make test-vllm."""

import os
import sys
from dataclasses import replace
from pathlib import Path

# Its own log says nothing that a test looks at; inherited by every process that a test starts.
os.environ |= {"VLLM_LOGGING_LEVEL": "ERROR", "TQDM_DISABLE": "1"}
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))

import pytest

from tom.engines.interface import Question

SETTINGS = {"base": {}, "runtime": {"adapter": "runtime"}, "merged": {"adapter": "merged"}}


@pytest.fixture(scope="session", params=SETTINGS)
def local(request, local_model, adapted_model):
    """A tiny model as a job names it: without adapter, with it at run time, with it merged."""
    return replace(
        local_model if request.param == "base" else adapted_model, engine="vllm", settings=SETTINGS[request.param]
    )


@pytest.fixture(scope="session")
def engine(local):
    """One vLLM for all tests of one model, since each start takes seconds; pytest keeps one open at a time."""
    from tom.engines.vllm_engine import VllmEngine

    engine = VllmEngine(local)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def wider(asked):
    """The questions of one cell, and one whose options are several tokens long."""
    return [*asked, Question(asked[0].messages, ("Cooperate", "Defect"))]
