"""What all tests share: the library on the path, no network, one thread, and one tiny model a session."""

import os
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

# Set before anything imports torch or transformers, and inherited by every process that a test starts.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
}
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "tests" / "helpers")]

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# Examples follow from the test's code alone, so a run that passes here passes everywhere.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


MODEL_FIXTURES = {"tiny_folder", "nf4_folder", "adapter_folder", "tokenizer", "local_model", "adapted_model", "scores"}
"""Fixtures that load or make a model."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", help="K/N: the Kth of N parts of the files that have selected tests")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests that need a model: they need torch. Of the selected tests keep one part. The files with most
    slow tests come first, so that no worker is left with a long one at the end.
    """
    for item in items:
        if MODEL_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("model")
    yield
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    number, parts = map(int, config.getoption("part").split("/"))
    # Files by name take turns, so that each part has some of every kind.
    kept = sorted(by_file)[number - 1 :: parts]
    config.hook.pytest_deselected(items=[item for item in items if item.path not in kept])
    slow = {file: sum(item.get_closest_marker("slow") is not None for item in by_file[file]) for file in kept}
    kept.sort(key=lambda file: -slow[file])
    # While one worker makes what the tests of the workflow share, the other has something else to do.
    runs, others = ([file for file in kept if ("workflow" in file.parts) == of_runs] for of_runs in (True, False))
    order = [file for pair in zip_longest(runs, others) for file in pair if file]
    items[:] = [item for file in order for item in by_file[file]]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def resources() -> Path:
    """The folder of games, contexts and prompt_formats."""
    return ROOT / "resources"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A tiny Llama in float32 as an ordinary model folder; read it, never write to it."""
    from tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "float32")


@pytest.fixture(scope="session")
def nf4_folder(tiny_folder) -> Path:
    """The same model in NF4; read it, never write to it."""
    from tom.models.language_models import convert_precision

    folder = tiny_folder.parent / "nf4"
    convert_precision(tiny_folder, folder, "nf4", "float32")
    return folder


@pytest.fixture(scope="session")
def adapter_folder(tiny_folder) -> Path:
    """A LoRA adapter for the tiny model that changes its answers; read it, never write to it."""
    from tiny_model import make_tiny_adapter

    return make_tiny_adapter(tiny_folder, tiny_folder.parent / "adapter")


@pytest.fixture(scope="session")
def tokenizer(tiny_folder):
    """The tiny model's tokenizer."""
    from tom.models.language_models import load_tokenizer

    return load_tokenizer(tiny_folder)


@pytest.fixture(scope="session")
def engines_folder():
    """Where resident engines live during the tests, apart from those of any real run."""
    from engine_processes import private_engines

    with private_engines() as folder:
        yield folder


@pytest.fixture(scope="session")
def local_model(tiny_folder):
    """The tiny model as a job names it."""
    from tom.engines.local_model import LocalModel
    from tom.models.model_folders import write_manifest

    manifest = tiny_folder.parent / "float32.json"
    write_manifest(manifest, tiny_folder, source="tests")
    return LocalModel(tiny_folder, manifest, None, None, threads=1)


@pytest.fixture(scope="session")
def adapted_model(local_model, adapter_folder):
    """The tiny model with an adapter, as a job names it."""
    from dataclasses import replace

    from tom.models.model_folders import write_manifest

    manifest = adapter_folder.parent / "adapter.json"
    write_manifest(manifest, adapter_folder, source="tests")
    return replace(local_model, adapter=adapter_folder, adapter_manifest=manifest)


@pytest.fixture(scope="session")
def asked():
    """The questions of one cell, a variant each."""
    from regenerate_golden import cell_files

    from tom.prompts.variants import ORDERS, scored
    from tom.sampling.choices import questions

    return questions(cell_files("stag_hunt", "sports"), scored(list(ORDERS)))


@pytest.fixture(scope="session")
def scores(local_model, asked):
    """The tiny model's answers to those questions, from an engine in this process."""
    from tom.engines.transformers_engine import TransformersEngine

    return TransformersEngine(local_model).score(asked)
