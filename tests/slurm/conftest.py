"""What the tests on a SLURM cluster share: make test-slurm. They start a cluster of their own on this machine."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "workflow")]

from cluster import DEVICES, Cluster, missing  # noqa: E402
from fake_gpu_machine import gpu_variables  # noqa: E402
from study import Study  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--require-cluster", action="store_true", help="fail, not skip, where no cluster can be started")


@pytest.fixture(scope="session")
def cluster(request):
    """The cluster, under way."""
    if reason := missing():
        if request.config.getoption("--require-cluster"):
            pytest.fail(f"no cluster: {reason}")
        pytest.skip(f"no cluster: {reason}")
    # Short, for sockets, and open to all, which munged insists on: pytest's own folders are neither.
    folder = Path(tempfile.mkdtemp(prefix="tom-slurm-", dir="/tmp"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as monkeypatch:
        # Of each node, and of this machine.
        for name, value in gpu_variables(folder / "machine", len(DEVICES)).items():
            monkeypatch.setenv(name, value)
        cluster = Cluster(folder)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def finished(cluster, tmp_path_factory) -> Study:
    """The whole study after an undisturbed run, which the tests copy and then disturb."""
    study = Study.create(tmp_path_factory.mktemp("finished") / "project", cluster)
    study.succeed()
    return study


@pytest.fixture
def study(finished, tmp_path) -> Study:
    return finished.copy(tmp_path / "project")
