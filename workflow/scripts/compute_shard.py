"""Write the shard of a computed teacher: a behavioural model's exact propensities, and observations drawn from them.

python workflow/scripts/compute_shard.py --behaviour-file resources/behaviours/logit.yaml --model teacher \
    --game drawn-0to63 --game-file resources/games/drawn.yaml --context business --prompt-format choice \
    --option-orders cooperation_first cooperation_last --observations 300 --seed 1 --output S.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.games.behaviours import load_behaviour
from tom.games.game import load_games
from tom.games.names import members
from tom.prompts.variants import scored
from tom.sampling.choices import drawn_rows
from tom.sampling.shards import add_shard_flags, shared_columns, write_shard


def compute(
    behaviour_file: Path, games: list, fields: dict, orders: list[str], observations: int, seed: int
) -> list[dict]:
    """Score rows for every variant of each game, then its observations. fields: columns that all rows share."""
    behaviour, rows = load_behaviour(behaviour_file, fields["context"]), []
    for game in games:
        score = fields | {"game": game.name, "record": "score", "engine": "computed", "seed": seed}
        score["p_cooperate"] = behaviour.propensity(game)
        known = {
            variant: score | {"order": variant.order, "cooperation_label": variant.cooperation_label}
            for variant in scored(orders)
        }
        rows += [*known.values(), *drawn_rows(known, observations, seed)]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--behaviour-file", type=Path, required=True)
    parser.add_argument("--game-file", type=Path, required=True)
    parser.add_argument("--option-orders", nargs="+", required=True)
    parser.add_argument("--observations", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of the draws")
    add_shard_flags(parser)
    arguments = parser.parse_args()

    games = load_games([arguments.game_file], members(arguments.game))
    fields = shared_columns(arguments)
    how = (arguments.option_orders, arguments.observations, arguments.seed)
    write_shard(arguments.output, compute(arguments.behaviour_file, games, fields, *how))


if __name__ == "__main__":
    run_main(main)
