"""Score the probes of a model, base or tuned, and write one row for each.

python workflow/scripts/probe_model.py --model base --probes resources/collateral/probes.yaml --games G ... \
    --game-files G.yaml ... --prompt-format-file P.yaml --idle-seconds 60 --weights W --manifest M.json \
    --threads 1 --gpus 0 --output P.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.core.files import atomic_file
from tom.engines.interface import Engine, Question
from tom.engines.opening import with_local_engine
from tom.evaluation.collateral import PROBE_COLUMNS, probe_row
from tom.games.game import load_games
from tom.games.names import members
from tom.prompts.probes import load_probes, payoff_probes
from tom.prompts.prompts import load_prompt_format
from tom.sampling.local_shard import add_local_flags, read_local_flags

PROBED_GAMES = 16
"""Whose payoffs are asked for at most, of each model: a game set has hundreds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="its name in the table")
    parser.add_argument("--probes", type=Path, required=True)
    parser.add_argument("--games", nargs="+", required=True, help="whose payoffs are asked for")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--prompt-format-file", type=Path, required=True, help="how their rules are worded")
    add_local_flags(parser)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    prompt_format = load_prompt_format(arguments.prompt_format_file)
    probes = load_probes(arguments.probes)
    names = [name for game in arguments.games for name in members(game)]
    for game in load_games(arguments.game_files, names[:PROBED_GAMES]):
        probes += payoff_probes(prompt_format, game)
    model = read_local_flags(arguments)
    fields = {"model": arguments.model, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}

    def score(engine: Engine) -> list[dict]:
        rows = []
        for probe in probes:
            (found,) = engine.score([Question(probe.messages, probe.replies, ends=True)])
            rows.append(probe_row(probe, found.log_probabilities, fields))
        return rows

    rows = with_local_engine(model, arguments.idle_seconds, score)
    with atomic_file(arguments.output) as temporary:
        pl.DataFrame(rows, schema=PROBE_COLUMNS).write_parquet(temporary)


if __name__ == "__main__":
    run_main(main)
