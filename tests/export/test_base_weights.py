"""An exported adapter runs on the weights that it was trained on, however they were loaded, and on no others."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tom.core.errors import UserError
from tom.export.base_weights import load_student, require_base, weights_sha256, write_base
from tom.export.model_card import snippet
from tom.models.language_models import convert_precision, load_model
from tom.prompts.chat import prompt_ids


@pytest.fixture
def exported(nf4_folder, adapter_folder, tmp_path) -> Path:
    """The tiny model's adapter, as belonging to the NF4 weights."""
    folder = Path(shutil.copytree(adapter_folder, tmp_path / "adapter"))
    sha256 = weights_sha256(load_model(nf4_folder, "cpu"))
    write_base(folder, {"name": "tiny", "precision": "nf4-float32", "weights_sha256": sha256})
    return folder


def quantised_while_loaded(folder: Path):
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype="float32",
    )
    return AutoModelForCausalLM.from_pretrained(folder, quantization_config=settings, dtype=torch.float32)


def test_its_own_weights_are_known_saved_or_quantised_anew(nf4_folder, tiny_folder, exported):
    require_base(AutoModelForCausalLM.from_pretrained(nf4_folder, dtype="auto"), exported, nf4_folder)
    require_base(quantised_while_loaded(tiny_folder), exported, tiny_folder)


def test_the_student_answers_as_in_a_run(nf4_folder, adapter_folder, exported, tokenizer):
    ids = torch.tensor([prompt_ids(tokenizer, [{"role": "user", "content": "C or D?"}])])
    with torch.inference_mode():
        expected, found, base = (
            model(input_ids=ids).logits
            for model in (
                load_model(nf4_folder, "cpu", adapter_folder),
                load_student(nf4_folder, exported),
                load_model(nf4_folder, "cpu"),
            )
        )
    assert torch.equal(found, expected) and not torch.equal(found, base)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_model_at_another_precision_is_refused(tiny_folder, exported, tmp_path, precision):
    convert_precision(tiny_folder, tmp_path / "other", precision, "float32")
    with pytest.raises(UserError, match="belongs to tiny at nf4-float32") as error:
        load_student(tmp_path / "other", exported)
    assert str(tmp_path / "other") in str(error.value)


def test_one_bit_more_is_another_model(nf4_folder, exported):
    model = load_model(nf4_folder, "cpu")
    with torch.no_grad():
        model.model.norm.weight[0] += 1e-6
    with pytest.raises(UserError, match="weights with hash"):
        require_base(model, exported, "changed")


def test_an_adapter_that_does_not_say_is_refused(nf4_folder, adapter_folder):
    with pytest.raises(UserError, match=r"base\.json is missing"):
        load_student(nf4_folder, adapter_folder)


def test_the_adapters_configuration_names_its_weights(exported):
    settings = json.loads((exported / "adapter_config.json").read_text())
    assert json.loads((exported / "base.json").read_text())["weights_sha256"] in settings["base_model_name_or_path"]
    assert " " in settings["base_model_name_or_path"] and settings["revision"] is None
    write_base(
        exported, {"name": "x", "precision": "nf4", "weights_sha256": "0", "repository": "o/x", "revision": "ab"}
    )
    settings = json.loads((exported / "adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == ("o/x", "ab")


@pytest.mark.parametrize("precision, base", [("nf4", "nf4"), ("bfloat16", "bfloat16"), ("source", "float32")])
def test_the_snippet_of_a_hubs_model_loads_the_weights_of_the_run(
    tiny_folder, adapter_folder, tmp_path, precision, base
):
    """The folder of the weights stands for a repository: transformers takes either."""
    convert_precision(tiny_folder, tmp_path / "run", base, "float32")
    adapter = Path(shutil.copytree(adapter_folder, tmp_path / "export/adapter"))
    sha256 = weights_sha256(load_model(tmp_path / "run", "cpu"))
    write_base(adapter, {"name": "tiny", "precision": precision, "weights_sha256": sha256})
    shutil.copytree(tiny_folder, tmp_path / "export/merged")
    (tmp_path / "export/prompt.json").write_text(json.dumps([{"role": "user", "content": "C or D?"}]))
    student = {"source": "hub", "precision": precision, "compute_dtype": "float32"}
    code = snippet(student | {"hub": {"repository": str(tiny_folder), "revision": "ab"}}, "", str(tmp_path / "export"))
    assert 'revision="ab"' in code
    exec(code, {})
    other = "float32" if precision != "source" else "bfloat16"
    with pytest.raises(SystemExit, match="not the weights"):
        exec(code.replace('dtype="auto"', f"dtype=torch.{other}").replace("bfloat16", other).replace("nf4", "fp4"), {})
