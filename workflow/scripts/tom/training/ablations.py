"""Ablations of the teacher: fewer replies, or replies that say nothing about the individual cell.

A student can close part of the gap to its teacher without learning the teacher's choice in each cell: it also learns
to answer with a letter, to ignore the option order, and how often the teacher cooperates overall. Two controls separate
these effects:

- `shuffled`: every cell gets the replies of another cell, so the propensities are the teacher's but in the wrong cells.
- `constant`: every cell gets replies from all cells, at the pooled rate of cooperation. A teacher that was asked in
  both option orders has a pooled rate in each.

An ablation returns one shard per cell, in the order of the cells. The rows keep the names of the cell that they were
observed in.
"""

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.random import cell_generator, derangement
from tom.sampling.shards import ACTIONS
from tom.training.recipe import AS_IS, CONSTANT, SHUFFLED


def subsample(shard: pl.DataFrame, number: int, seed: int) -> pl.DataFrame:
    """Draw `number` of a shard's observations at random, without replacement.

    Unreadable replies are drawn like all others, as if fewer had been recorded. For one seed, a smaller draw is a
    subset of a larger one. Errors: UserError if the shard has fewer observations.
    """
    observed = shard.filter(record="observation")
    game, context = observed.select("game", "context").row(0)
    if number > observed.height:
        raise UserError(
            f"learning_curve.observations: {number} of the teacher for {game} in {context}"
            f" (allowed: at most {observed.height})"
        )
    order = cell_generator(seed, "observations", game, context).permutation(observed.height)
    return observed[np.sort(order[:number])]


def ablate(teacher: str, shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """The shard that each cell is trained on, in the order of the cells. teacher: one of TEACHERS."""
    return {AS_IS: lambda *_: shards, SHUFFLED: shuffle_cells, CONSTANT: equalise_rates}[teacher](shards, seed)


def shuffle_cells(shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """Give every cell the shard of another cell. Errors: UserError for a single cell."""
    if len(shards) < 2:
        raise UserError("splits.in_sample: a single cell has none to exchange replies with (allowed: two or more)")
    pairs = derangement(list(range(len(shards))), cell_generator(seed, "shuffled teacher"))
    return [shards[source] for _, source in sorted(pairs)]


def equalise_rates(shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """Redistribute the replies of all cells so that every cell cooperates at the pooled rate.

    In each option order a cell keeps its number of readable replies, and its rate is the pooled one to within half a
    reply. Unreadable replies are dropped, since they do not enter the loss. Exact probabilities of a prompt become
    their mean over the cells.
    """
    generator = cell_generator(seed, "constant teacher")
    variant = ["order", "cooperation_label"]
    whole = pl.concat(shards)
    means = whole.filter(record="score").group_by(variant).agg(pl.col("p_cooperate").mean())
    scores = [shard.filter(record="score").drop("p_cooperate") for shard in shards]
    scores = [own.join(means, variant, "left", nulls_equal=True, maintain_order="left") for own in scores]
    equalised = [[own.select(whole.columns)] for own in scores]
    readable = pl.col("action").is_not_null() & (pl.col("record") == "observation")
    for order in whole.filter(readable)["order"].unique().sort():
        chosen = readable & pl.col("order").eq_missing(order)
        pool = whole.filter(chosen)
        pool = pool[generator.permutation(pool.height)]
        piles, used = [pool.filter(action=action) for action in ACTIONS], [0, 0]
        for shard, parts in zip(shards, equalised, strict=True):
            number = shard.filter(chosen).height
            cooperating = round(number * piles[0].height / pool.height)
            for pile, count in enumerate((cooperating, number - cooperating)):
                # Rounding can ask for one reply more than the pile holds, so indices wrap around.
                parts.append(piles[pile][np.arange(used[pile], used[pile] + count) % max(piles[pile].height, 1)])
                used[pile] += count
    return [pl.concat(parts) for parts in equalised]
