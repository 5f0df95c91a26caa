"""Leave one out: cells are answered by an adapter that never saw their context, or their game."""

import json

import polars as pl


def test_every_context_is_held_out_once(fresh):
    fresh.succeed("validate")
    results = fresh.folder / "results"
    for context in ("business", "friendship"):
        adapter = results / f"leave_one_out/context-{context}/adapters/seed1"
        proof = json.loads((adapter / "loss_report.json").read_text())
        assert context not in {example["context"] for example in proof["examples"]}
        curve = pl.read_csv(adapter / "curve.csv")
        assert curve["validation_loss"].drop_nulls().len() == curve["epoch"].n_unique() == 3
        assert (
            len(list((results / f"leave_one_out/context-{context}/shards/tuned-seed1").glob(f"*/{context}.parquet")))
            == 2
        )
    alignment = pl.read_parquet(results / "tables/held_out/alignment.parquet")
    assert "tuned-seed1" in alignment["predictor"]
    assert not (results / "out_of_sample").exists()

    fresh.succeed("validate_reworded")
    asked = {path.stem for path in (results / "out_of_sample/shards").glob("*/*/*.parquet")}
    assert asked == {"business_b", "business_c", "friendship_b", "friendship_c"}
    # A wording is asked of the student that never met its situation, and of no other.
    for student, wordings in (("context-business", "business"), ("context-friendship", "friendship")):
        shards = (results / f"leave_one_out/{student}/shards").glob("*/*/*.parquet")
        assert {path.stem for path in shards} == {wordings, f"{wordings}_b", f"{wordings}_c"}
    propensities = pl.read_parquet(results / "tables/held_out_reworded/propensities.parquet")
    assert set(propensities["context"].drop_nulls()) == asked
    assert set(propensities["split"]) == {"held_out_reworded"}


def test_without_other_wordings_none_can_be_asked(fresh):
    for path in (fresh.folder / "resources/contexts").glob("*_[bc].yaml"):
        path.unlink()
    assert fresh.plan("validate")["evaluate_held_out"] == 1
    done = fresh.run("validate_reworded", "--dry-run")
    assert done.returncode != 0
    assert "resources/contexts: no file tells a context of splits.in_sample in other words" in done.stdout + done.stderr


def test_of_one_context_none_can_be_left_out(fresh):
    fresh.edit("tiny.yaml", "contexts: [business, friendship]\n  out_of", "contexts: [business]\n  out_of")
    for target in ("validate", "validate_reworded"):
        done = fresh.run(target, "--dry-run")
        assert done.returncode != 0
        assert "tiny.yaml: splits.in_sample.contexts: leaving one out" in done.stdout + done.stderr


def test_a_game_is_left_out_as_a_context_is(fresh):
    assert fresh.plan("transfer_matrix") == {
        "fetch_model": 1,
        "convert_model": 1,
        "replay_teacher": 4,
        "gather_teacher": 1,
        "sample_untuned": 4,
        "train_adapter": 1,
        "sample_tuned": 4,
        "train_without": 4,
        "sample_left_out": 16,
        "tabulate_transfer_matrix": 1,
        "plot_transfer_matrix": 1,
    }
    fresh.succeed("results/tables/transfer_matrix.parquet")
    results = fresh.folder / "results"
    proof = json.loads((results / "leave_one_out/game-stag_hunt/adapters/seed1/loss_report.json").read_text())
    assert {example["group"].partition("/")[0] for example in proof["examples"]} == {"prisoners_dilemma"}
    table = pl.read_parquet(results / "tables/transfer_matrix.parquet")
    assert set(table["left_out"]) == {
        "nothing", "context-business", "context-friendship", "game-prisoners_dilemma", "game-stag_hunt"
    }  # fmt: skip
    assert table["unseen"].sum() == 4


def test_a_scale_of_payoffs_is_left_out_too(fresh):
    fresh.edit("tiny.yaml", "games: [stag_hunt-x2]", "games: [prisoners_dilemma-x2]")
    fresh.edit(
        "tiny.yaml",
        "in_sample:\n    games: [prisoners_dilemma, stag_hunt]",
        "in_sample:\n    games: [stag_hunt, stag_hunt-x2]",
    )
    fresh.succeed("transfer_matrix")
    results = fresh.folder / "results"
    proof = json.loads((results / "leave_one_out/payoffs-x2/adapters/seed1/loss_report.json").read_text())
    assert {example["group"].partition("/")[0] for example in proof["examples"]} == {"stag_hunt"}
    table = pl.read_parquet(results / "tables/transfer_matrix.parquet")
    unseen = table.filter("unseen").select("left_out", "measured_on")
    assert ("payoffs-x2", "payoffs-x2") in unseen.rows() and ("payoffs-x1", "payoffs-x1") in unseen.rows()
    assert not [left_out for left_out in table["left_out"] if left_out.startswith("game-")]
    assert (results / "figures/transfer_matrix.png").read_bytes().startswith(b"\x89PNG")
