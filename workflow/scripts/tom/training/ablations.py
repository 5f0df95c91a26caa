"""The teacher's replies as they are, fewer of them, or with what it knows of the cells taken away.

What a student closes of its gap it need not owe to the teacher's choices: it also learns to answer with a letter, to
disregard the listing order, and how often the teacher cooperates on the whole. Two controls tell these apart:

- `shuffled`: every cell is taught the replies of another one. The teacher's propensities are all there, as far apart
  as they are, and none where it belongs.
- `constant`: every cell is taught replies from all cells, mixed at the rate of them all.

A variant gives each cell's place a shard; the rows keep the names of the cell that they were observed in.
"""

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.random import cell_generator, derangement
from tom.sampling.shards import ACTIONS

AS_IS, SHUFFLED, CONSTANT = TEACHERS = ("as_is", "shuffled", "constant")


def thin(shard: pl.DataFrame, number: int, seed: int) -> pl.DataFrame:
    """A random draw of a shard's observations, without replacement; readable or not, as a shorter recording had been.

    Smaller draws are parts of larger ones of the same seed. Errors: UserError where the shard has fewer.
    """
    observed = shard.filter(record="observation")
    game, context = observed.select("game", "context").row(0)
    if number > observed.height:
        raise UserError(
            f"learning_curve.observations: {number} of the teacher for {game} in {context}"
            f" (allowed: at most {observed.height})"
        )
    places = cell_generator(seed, "observations", game, context).permutation(observed.height)
    return observed[np.sort(places[:number])]


def taught_by(teacher: str, shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """The shard that each cell is taught, in the cells' order; teacher: one of TEACHERS."""
    return {AS_IS: lambda *_: shards, SHUFFLED: shuffle, CONSTANT: level}[teacher](shards, seed)


def shuffle(shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """Every cell's shard in the place of another cell. Errors: UserError for a single cell."""
    if len(shards) < 2:
        raise UserError("splits.in_sample: one cell has no other to be exchanged with (allowed: two or more)")
    pairs = derangement(list(range(len(shards))), cell_generator(seed, "shuffled teacher"))
    return [shards[giver] for _, giver in sorted(pairs)]


def level(shards: list[pl.DataFrame], seed: int) -> list[pl.DataFrame]:
    """Replies of all cells, dealt out so that each cell has as many readable ones as before, at the pooled rate.

    The rate is met to half a reply. Replies that can't be read are left out, as no one learns from them.
    """
    generator = cell_generator(seed, "constant teacher")
    pool = pl.concat(shards).filter(pl.col("record") == "observation", pl.col("action").is_not_null())
    pool = pool[generator.permutation(pool.height)]
    piles = [pool.filter(action=action) for action in ACTIONS]
    rate = piles[0].height / max(pool.height, 1)
    dealt, levelled = [0, 0], []
    for shard in shards:
        readable = shard.filter(record="observation")["action"].count()
        hands, cooperating = [], round(readable * rate)
        for pile, count in enumerate((cooperating, readable - cooperating)):
            # Rounding may ask for a reply more than there are, so a pile is gone round.
            hands.append(piles[pile][np.arange(dealt[pile], dealt[pile] + count) % max(piles[pile].height, 1)])
            dealt[pile] += count
        levelled.append(pl.concat(hands))
    return levelled
