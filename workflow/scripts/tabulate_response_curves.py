"""Tabulate how often each model cooperates in a game, by the scale and the shift of its payoffs.

Writes Parquet and, beside it, CSV and LaTeX. The same inputs give the same bytes.

python workflow/scripts/tabulate_response_curves.py --shards S.parquet ... --confidence 0.95 --output T.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.propensities import count_replies
from tom.evaluation.response_curves import response_curves
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True, help="of every model that was asked")
    parser.add_argument("--confidence", type=float, required=True)
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    with scanned_shards(arguments.shards) as (shards,):
        counts = count_replies(shards)
    write_table(response_curves(counts, arguments.confidence), arguments.output)


if __name__ == "__main__":
    run_main(main)
