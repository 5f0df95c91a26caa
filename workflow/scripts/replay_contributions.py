"""Write the shard of a recorded teacher: its published contributions to one public good as observations."""

import argparse

from tom.core.errors import run_main
from tom.sampling.recorded_contributions import replay_contributions
from tom.sampling.shards import NUMBER_COLUMNS, write_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contributions", type=int, nargs="+", required=True, help="different amounts, in dollars")
    parser.add_argument("--counts", type=int, nargs="+", required=True, help="how many observations gave each")
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True)
    parser.add_argument("--context", required=True)
    parser.add_argument("--prompt-format", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    counts = dict(zip(arguments.contributions, arguments.counts, strict=True))
    fields = {name: getattr(arguments, name) for name in ("model", "game", "context", "prompt_format")}
    write_shard(arguments.output, replay_contributions(counts, fields), NUMBER_COLUMNS)


if __name__ == "__main__":
    run_main(main)
