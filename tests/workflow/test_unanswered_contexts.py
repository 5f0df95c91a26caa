"""Contexts without a teacher: taught as chance, asked of nobody, and an edit of one teaches anew."""

import json


def test_they_are_taught_and_no_shard_is_of_them(fresh):
    fresh.edit("tiny.yaml", "  rank: 4", "  uniform_target_contexts: [orchestra, exam]\n  rank: 4")
    fresh.succeed("in_sample")
    results = fresh.folder / "results"
    proof = json.loads((results / "adapters/all/seed1/loss_report.json").read_text())
    assert (proof["observations"], proof["uniform_target_replies"]) == (2 * 4 * 300, 2 * 4 * 300)
    coins = [example for example in proof["examples"] if example["context"] in ("orchestra", "exam")]
    assert len(coins) == 2 * 2 * 2  # games, contexts, listing orders
    for example in coins:
        assert [reply["count"] for reply in example["replies"]] == [150, 150]
    asked = {path.stem for path in (results / "in_sample/shards").glob("*/*/*.parquet")}
    assert asked == {"business", "friendship"}

    fresh.edit("tiny.yaml", "[orchestra, exam]", "[exam, orchestra]")
    assert not fresh.plan("in_sample")
    fresh.edit("resources/contexts/orchestra.yaml", "rchestra", "RCHESTRA")
    jobs = fresh.plan("in_sample")
    assert jobs["train_adapter"] == 1 and jobs["sample_tuned"] == 4 and not jobs["sample_untuned"]
