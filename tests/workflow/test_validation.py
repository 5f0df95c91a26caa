"""Leave one context out: each in-sample cell is answered by an adapter that never saw its context."""

import json

import polars as pl


def test_every_context_is_held_out_once(fresh):
    fresh.succeed("validate")
    results = fresh.folder / "results"
    for context in ("business", "friendship"):
        adapter = results / f"validation/adapters/without-{context}/seed1"
        proof = json.loads((adapter / "supervision.json").read_text())
        assert context not in {lesson["context"] for lesson in proof["lessons"]}
        curve = pl.read_csv(adapter / "curve.csv")
        assert curve["validation_loss"].drop_nulls().len() == curve["pass"].n_unique() == 3
        assert len(list((results / "validation/shards/tuned-seed1").glob(f"*/{context}.parquet"))) == 2
    alignment = pl.read_parquet(results / "tables/held_out/alignment.parquet")
    assert "tuned-seed1" in alignment["predictor"]
    assert not (results / "out_of_sample").exists()
