"""Score the probes of a model, before or after tuning, and write one row for each.

python workflow/scripts/probe_model.py --model base --probes resources/collateral/probes.yaml --games G ... \
    --game-files G.yaml ... --elicitation-file E.yaml --idle-seconds 60 --weights W --manifest M.json \
    --threads 1 --output P.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.asking.games import load_games
from tom.asking.probes import load_probes, payoff_probes
from tom.asking.prompts import load_elicitation
from tom.engines.choices import Question
from tom.engines.local_shard import add_local_arguments
from tom.engines.seam import Engine, with_local_engine
from tom.errors import run_main
from tom.files import whole_file
from tom.measuring.collateral import PROBE_COLUMNS, probe_row
from tom.weights.local_model import LocalModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="its name in the table")
    parser.add_argument("--probes", type=Path, required=True)
    parser.add_argument("--games", nargs="+", required=True, help="whose payoffs are asked for")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--elicitation-file", type=Path, required=True, help="how their rules are put")
    add_local_arguments(parser)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    elicitation = load_elicitation(arguments.elicitation_file)
    probes = load_probes(arguments.probes)
    for game in load_games(arguments.game_files, arguments.games):
        probes += payoff_probes(elicitation, game)
    model = LocalModel.from_arguments(arguments)
    model.check_base()
    fields = {"model": arguments.model, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}

    def score(engine: Engine) -> list[dict]:
        rows = []
        for probe in probes:
            (found,) = engine.score([Question(probe.messages, probe.replies, ends=True)])
            rows.append(probe_row(probe, found.log_probabilities, fields))
        return rows

    rows = with_local_engine(model, arguments.idle_seconds, score)
    with whole_file(arguments.output) as temporary:
        pl.DataFrame(rows, schema=PROBE_COLUMNS).write_parquet(temporary)


if __name__ == "__main__":
    run_main(main)
