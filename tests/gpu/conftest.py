"""What the tests on a GPU share: make test-gpu. `--device cpu` runs the same tests where there is none."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("workflow", "training")]


def pytest_addoption(parser):
    parser.addoption("--device", default="cuda", choices=["cuda", "cpu"], help="where the models run")


@pytest.fixture(scope="session")
def device(request) -> str:
    """The device under test."""
    import torch

    name = request.config.getoption("--device")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.fail("no GPU: torch.cuda.is_available() is false")
    return name
