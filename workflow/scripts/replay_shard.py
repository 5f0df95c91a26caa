"""Write the shard of a recorded teacher: its published counts as observations.

python replay_shard.py --counts counts.csv --column teacher --game stag_hunt --context business ... --output S
"""

import argparse

from tom.errors import run_main
from tom.files import file_sha256
from tom.recorded_teacher import read_counts, replay, require_cells
from tom.shards import write_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", required=True, help="table of published counts")
    parser.add_argument("--recorded-model", required=True, help="which model's rows of that table")
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True)
    parser.add_argument("--context", required=True)
    parser.add_argument("--elicitation", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    counts = read_counts(arguments.counts, arguments.recorded_model)
    cell = (arguments.game, arguments.context)
    require_cells(counts, [cell], arguments.counts, arguments.recorded_model)
    fields = {
        "model": arguments.model,
        "game": arguments.game,
        "context": arguments.context,
        "elicitation": arguments.elicitation,
        "model_sha256": file_sha256(arguments.counts),
    }
    write_shard(arguments.output, replay(counts[cell], fields))


if __name__ == "__main__":
    run_main(main)
