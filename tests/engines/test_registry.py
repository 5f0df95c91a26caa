"""The registry of local engines: a file is an engine, and nothing large is imported to know it."""

import subprocess
import sys

import pytest

from tom.core.errors import UserError
from tom.engines import registry
from tom.engines.registry import engine_names, load_engine, module_of, settings_of, settings_schema


def test_the_engines_are_the_files_of_the_folder():
    assert engine_names() == ("transformers", "vllm")
    assert module_of("vllm") == "tom.engines.vllm_engine"


def test_a_new_file_is_a_new_engine(tmp_path, monkeypatch):
    (tmp_path / "other_engine.py").touch()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    assert engine_names() == ("other",)
    assert module_of("other") == "tom.engines.other_engine"


@pytest.mark.parametrize("function", [module_of, load_engine, settings_schema, lambda name: settings_of(name, {})])
def test_an_unknown_engine_is_named_with_those_there_are(function):
    with pytest.raises(UserError, match=r"'sglang' is no local engine \(allowed: transformers, vllm\)"):
        function("sglang")


@pytest.mark.parametrize("name", engine_names())
def test_every_engine_has_what_the_registry_asks_for(name):
    engine = load_engine(name)
    assert callable(engine.open_engine) and callable(engine.check)
    assert settings_of(name, {}) == engine.Settings()
    schema = settings_schema(name)
    assert schema["type"] == "object" and schema["additionalProperties"] is False
    assert all("description" in entry and "type" in entry for entry in schema["properties"].values())


def test_the_schema_of_vllm_has_types_and_limits():
    properties = settings_schema("vllm")["properties"]
    shown = {name: {key: entry[key] for key in entry if key != "description"} for name, entry in properties.items()}
    assert shown == {
        "adapter": {"type": "string", "enum": ["runtime", "merged"]},
        "tensor_parallel": {"type": "integer", "minimum": 1},
        "memory_share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "eager": {"type": "boolean"},
    }


MODEL = {"precision": "float32", "gpus": 0}


@pytest.mark.parametrize(
    ("section", "model", "part"),
    [
        ({}, {"precision": "nf4"}, r"student\.precision: vLLM serves nf4 on a GPU alone, and gpus is 0"),
        ({"tensor_parallel": 2}, {}, r"student\.vllm\.tensor_parallel: 2, but student\.gpus is 0"),
        ({"tensor_parallel": 4}, {"gpus": 2}, r"student\.vllm\.tensor_parallel: 4, but student\.gpus is 2"),
        ({}, {}, r"student\.engine: vLLM is not installed here .*allowed without it: transformers"),
    ],
)
def test_what_vllm_can_not_serve_is_refused(monkeypatch, section, model, part):
    monkeypatch.setitem(sys.modules, "vllm", None)  # as where it isn't installed
    with pytest.raises(UserError, match=rf"^config\.yaml: {part}"):
        load_engine("vllm").check(settings_of("vllm", section), MODEL | model, "config.yaml: student")


@pytest.mark.parametrize("model", [{}, {"precision": "nf4", "gpus": 1}])
def test_what_vllm_can_serve_passes(monkeypatch, model):
    monkeypatch.setattr("tom.engines.vllm_engine.find_spec", lambda name: name)  # as where it is installed
    load_engine("vllm").check(settings_of("vllm", {"tensor_parallel": 1}), MODEL | model, "config.yaml: student")


def test_transformers_serves_every_model():
    load_engine("transformers").check(settings_of("transformers", {}), MODEL, "config.yaml: student")


def test_every_engine_is_known_without_a_large_import(root):
    """For the parse of the Snakefile, and for the client of each shard."""
    script = (
        "import sys\nfrom tom.engines.registry import *\n"
        "for name in engine_names(): settings_schema(name), settings_of(name, {})\n"
        "large = {'torch', 'vllm', 'transformers', 'polars', 'numpy', 'jsonschema', 'yaml'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(large)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(root / "workflow" / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
