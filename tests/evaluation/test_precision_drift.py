"""Tuned students at other precisions: the merge is the adapted model, and drift is a distance between shards."""

import sys

import merge_adapter
import polars as pl
import precision_drift
import pytest
from made_shards import shard_frame, student_rows, write_models
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.engines.local_model import LocalModel
from tom.models.model_folders import read_manifest, verify, write_manifest
from tom.prompts.cells import render_variants
from tom.prompts.chat import prompt_ids
from tom.prompts.variants import ORDERS, asked


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_a_merged_model_answers_as_base_and_adapter(request, adapted_model, tmp_path, monkeypatch, precision):
    base = request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder")
    write_manifest(tmp_path / "base.json", base, source="tests")
    local = LocalModel(base, tmp_path / "base.json", adapted_model.adapter, adapted_model.adapter_manifest, threads=1)
    folder, manifest = tmp_path / "merged", tmp_path / "merged.json"
    words = ["merge_adapter.py", "--output", str(folder), "--output-manifest", str(manifest), *local.arguments()]
    monkeypatch.setattr(sys, "argv", words)
    merge_adapter.main()
    verify(folder, read_manifest(manifest))
    assert read_manifest(manifest)["source"] == adapted_model.adapter_sha256

    import torch

    from tom.models.language_models import load_model, load_tokenizer

    messages = render_variants(cell_files("stag_hunt", "sports"), asked([ORDERS[0]]))[0]
    ids = torch.tensor([prompt_ids(load_tokenizer(folder), messages)])
    merged, adapted, bare = (
        load_model(folder, "cpu"),
        load_model(base, "cpu", adapted_model.adapter),
        load_model(base, "cpu"),
    )
    assert not getattr(merged, "is_quantized", False)
    with torch.inference_mode():
        one, other, without = (model(input_ids=ids).logits for model in (merged, adapted, bare))
    assert (one - other).abs().max() < 1e-4 * other.abs().max()
    assert (one - without).abs().max() > 1e-2 * other.abs().max()


def students(**propensities: float) -> dict:
    return {
        model: {
            (game, "business"): student_rows(model, game, "business", p, 0.1) for game in ("stag_hunt", "snowdrift")
        }
        for model, p in propensities.items()
    }


def frame(models: dict) -> pl.DataFrame:
    return shard_frame([row for cells in models.values() for rows in cells.values() for row in rows])


def test_drift_is_the_distance_of_exact_propensities():
    trained = students(**{"tuned-seed1": 0.5, "tuned-seed2": 0.3})
    moved = students(**{"tuned-seed1": 0.5, "tuned-seed2": 0.4})
    moved["tuned-seed1"]["stag_hunt", "business"] = student_rows("tuned-seed1", "stag_hunt", "business", 0.5, 0.3)
    table = precision_drift.drift(frame(trained), {"merged": frame(trained), "bfloat16": frame(moved)})
    assert table.select("precision", "model", "cells", "propensities").rows() == [
        ("bfloat16", "tuned-seed1", 2, 4),
        ("bfloat16", "tuned-seed2", 2, 4),
        ("merged", "tuned-seed1", 2, 4),
        ("merged", "tuned-seed2", 2, 4),
    ]
    assert table["mean_difference"].to_list() == pytest.approx([0.1, 0.1, 0, 0])
    assert table["max_difference"].to_list() == pytest.approx([0.2, 0.1, 0, 0])


def test_a_cell_without_exact_propensities_is_refused():
    trained = students(**{"tuned-seed1": 0.5})
    fewer = {"tuned-seed1": {cell: rows for cell, rows in trained["tuned-seed1"].items() if cell[0] == "snowdrift"}}
    for one, other in ((trained, fewer), (fewer, trained)):
        with pytest.raises(UserError, match=r"not every cell .* bfloat16"):
            precision_drift.drift(frame(one), {"bfloat16": frame(other)})
    unscored = frame(trained).filter(pl.col("record") == "observation")
    with pytest.raises(UserError, match="not every cell"):
        precision_drift.drift(unscored, {"merged": unscored})


def test_the_script_writes_a_table(tmp_path, monkeypatch):
    files = write_models(tmp_path / "shards", students(**{"tuned-seed1": 0.5}))
    words = [word for flag in ("trained", *precision_drift.PRECISIONS) for word in (f"--{flag}", *files)]
    monkeypatch.setattr(sys, "argv", ["precision_drift.py", *map(str, words), "--output", str(tmp_path / "t.parquet")])
    precision_drift.main()
    assert set(pl.read_csv(tmp_path / "t.csv")["max_difference"]) == {0.0}
