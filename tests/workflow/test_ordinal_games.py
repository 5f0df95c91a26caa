"""Games by the order of their payoffs, through Snakemake: one file, a shard for each order and scale."""

TEACHER = """teacher:
  name: tiny teacher
  engine: transformers
  source: folder
  folder: tiny-model
  precision: source
  compute_dtype: float32
  gpus: 0
  billions: 0.135
student:"""


def test_each_order_is_a_game_of_its_own(fresh):
    fresh.edit("tiny.yaml", "student:", TEACHER)
    fresh.edit("tiny.yaml", "games: [stag_hunt-x2]", "games: [ordinal-tspr, ordinal-trps-x2]")
    shards = fresh.planned_shards("results/main/tables/doubled_payoffs/propensities.parquet")
    assert {shard for shard in shards if shard[1].startswith("ordinal")} == {
        (model, game, context)
        for model in ("teacher", "base", "tuned-seed1")
        for game in ("ordinal-tspr", "ordinal-trps-x2")
        for context in ("business", "friendship")
    }


def test_an_order_that_is_none_or_was_not_recorded_is_refused(fresh):
    fresh.edit("tiny.yaml", "games: [stag_hunt-x2]", "games: [ordinal-tspp]")
    said = fresh.run().stderr
    assert "'tspp' is no order of t, r, p and s" in said
    fresh.edit("tiny.yaml", "games: [ordinal-tspp]", "games: [ordinal-tspr]")
    said = fresh.run().stderr
    assert "observed_choices.csv: no recorded choices of 'teacher' for ordinal-tspr in business" in " ".join(
        said.split()
    )
