"""Write the shard of a recorded teacher: the published counts of one cell as observations.

python workflow/scripts/replay_shard.py --cooperated 77 --observations 300 --model teacher --game G --context C \
    --prompt-format P --output S.parquet

Of a game in which a number is named: --contributions 5 7 --counts 226 74 in place of the first two. Of a game set,
whose table holds the counts: --game-file G.yaml --recorded-as C.
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.sampling.recorded import read_answers, replay, replay_contributions
from tom.sampling.shards import COLUMNS, NUMBER_COLUMNS, add_shard_flags, shared_columns, write_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cooperated", type=int, help="observations that cooperated")
    parser.add_argument("--observations", type=int, help="all observations")
    parser.add_argument("--contributions", type=int, nargs="+", help="different amounts, in dollars")
    parser.add_argument("--counts", type=int, nargs="+", help="how many observations gave each")
    parser.add_argument("--game-file", type=Path, help="of a game set")
    parser.add_argument("--recorded-as", help="the context that the set's answers were given in")
    add_shard_flags(parser)
    arguments = parser.parse_args()

    choices = (arguments.cooperated, arguments.observations)
    numbers = (arguments.contributions, arguments.counts)
    recorded = (arguments.game_file, arguments.recorded_as)
    given = [pair for pair in (choices, numbers, recorded) if pair != (None, None)]
    if len(given) != 1 or None in given[0]:
        parser.error(
            "give --cooperated and --observations, --contributions and --counts, or --game-file and --recorded-as"
        )
    fields = shared_columns(arguments)
    if given == [choices]:
        write_shard(arguments.output, replay(choices, fields), COLUMNS)
    elif given == [recorded]:
        answers = read_answers(arguments.game_file, arguments.game, arguments.recorded_as)
        rows = [row for game, counts in answers.items() for row in replay(counts, fields | {"game": game})]
        write_shard(arguments.output, rows, COLUMNS)
    else:
        counts = dict(zip(*numbers, strict=True))
        write_shard(arguments.output, replay_contributions(counts, fields), NUMBER_COLUMNS)


if __name__ == "__main__":
    run_main(main)
