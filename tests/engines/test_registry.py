"""The registry of local engines: a file is an engine, and nothing large is imported to know it."""

import subprocess
import sys

import pytest

from tom.core import code
from tom.core.errors import UserError
from tom.engines import registry
from tom.engines.registry import changes_adapters, engine_names, load_engine, module_of, settings_of, settings_schema
from tom.sampling.procedures import CHOICES, FREE_REPLIES, NUMBERS


def test_the_engines_are_the_files_of_the_folder():
    assert {"transformers", "vllm"} <= set(engine_names())
    assert module_of("vllm") == "tom.engines.vllm_engine"


def test_a_new_file_is_a_new_engine(tmp_path, monkeypatch):
    (tmp_path / "other_engine.py").touch()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    assert engine_names() == ("other",)
    assert module_of("other") == "tom.engines.other_engine"


@pytest.mark.parametrize("function", [module_of, load_engine, settings_schema, lambda name: settings_of(name, {})])
def test_an_unknown_engine_is_named_with_those_there_are(function):
    known = ", ".join(engine_names())
    with pytest.raises(UserError, match=rf"'no_such' is no local engine \(allowed: {known}\)"):
        function("no_such")


@pytest.mark.parametrize("name", engine_names())
def test_every_engine_has_what_the_registry_asks_for(name):
    engine = load_engine(name)
    assert callable(engine.open_engine) and callable(engine.check)
    opened = next(value for key, value in vars(engine).items() if key.lower() == f"{name}engine")
    assert changes_adapters(name) == hasattr(opened, "use_adapter")
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
        ({}, {"precision": "nf4", "gpus": 1}, r"student\.precision: vLLM does not serve nf4 .*engine: transformers"),
        ({"tensor_parallel": 2}, {}, r"student\.vllm\.tensor_parallel: 2, but student\.gpus is 0"),
        ({"tensor_parallel": 4}, {"gpus": 2}, r"student\.vllm\.tensor_parallel: 4, but student\.gpus is 2"),
        ({}, {"gpus": 2}, r"student\.vllm\.tensor_parallel: 1, but student\.gpus is 2 \(allowed: as many"),
    ],
)
def test_what_vllm_can_not_serve_is_refused(section, model, part):
    with pytest.raises(UserError, match=rf"^config\.yaml: {part}"):
        load_engine("vllm").check(settings_of("vllm", section), MODEL | model, "config.yaml: student")


def test_a_local_folder_that_bitsandbytes_quantised_is_refused_before_any_job(nf4_folder, tiny_folder):
    check, model = load_engine("vllm").check, MODEL | {"precision": "source", "source": "folder"}
    settings = settings_of("vllm", {})
    with pytest.raises(UserError, match=r"^config\.yaml: student\.folder: .*bitsandbytes.*engine: transformers"):
        check(settings, model | {"folder": str(nf4_folder)}, "config.yaml: student")
    check(settings, model | {"folder": str(tiny_folder)}, "config.yaml: student")


@pytest.mark.parametrize("model", [{}, {"precision": "bfloat16", "gpus": 1}])
def test_what_vllm_can_serve_passes(model):
    load_engine("vllm").check(settings_of("vllm", {"tensor_parallel": 1}), MODEL | model, "config.yaml: student")


def test_where_vllm_is_not_installed_the_job_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UserError, match=r"vLLM is not installed on .*requirements-gpu\.txt.*without it: transformers"):
        load_engine("vllm").open_engine(None)


def test_transformers_serves_every_model_that_one_gpu_holds():
    check, settings = load_engine("transformers").check, settings_of("transformers", {})
    for gpus in (0, 1):
        check(settings, MODEL | {"gpus": gpus}, "config.yaml: student")
    with pytest.raises(UserError, match=r"^config\.yaml: student\.gpus: 2, but .* one GPU \(allowed: 0, 1; or .*vllm"):
        check(settings, MODEL | {"gpus": 2}, "config.yaml: student")


def test_every_engine_is_known_without_a_large_import(root):
    """For the parse of the Snakefile, and for the client of each shard."""
    script = (
        "import sys\nfrom tom.engines.registry import *\n"
        "for name in engine_names(): settings_schema(name), settings_of(name, {})\n"
        "large = {'torch', 'vllm', 'transformers', 'polars', 'numpy', 'jsonschema', 'yaml'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(large)) or 0)"
    )
    environment = {"PYTHONPATH": str(root / "workflow" / "scripts")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def names_of(files) -> set[str]:
    return {file.relative_to(code.SCRIPTS).as_posix() for file in files}


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("procedure", [CHOICES, FREE_REPLIES, NUMBERS])
def test_a_shard_depends_on_its_own_engine_and_procedure_alone(engine, procedure):
    own = {f"tom/engines/{engine}_engine.py", f"tom/sampling/{procedure}.py"}
    files = names_of(code.files_of("sample_shard.py", module_of(engine), f"tom.sampling.{procedure}"))
    plugins = {f"tom/engines/{name}_engine.py" for name in engine_names()}
    assert files & plugins == own & plugins
    assert own <= files
    assert ("tom/parsing/choice_readings.py" in files) == (procedure == FREE_REPLIES)
    assert ("tom/parsing/number_readings.py" in files) == (procedure == NUMBERS)
    assert ("tom/engines/vllm_loading.py" in files) == (engine == "vllm")
    assert ("tom/engines/generation.py" in files) == (engine == "transformers")


@pytest.mark.parametrize("script", ["train_adapter.py", "merge_adapter.py", "probe_model.py", "sample_endpoint.py"])
def test_a_script_without_plugins_depends_on_no_engine(script):
    files = names_of(code.files_of(script))
    assert "tom/core/errors.py" in files
    assert not any(file.endswith("_engine.py") for file in files if file.startswith("tom/engines/"))
