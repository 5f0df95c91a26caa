"""Score cells whose options have other labels, in every listing order, and with the labels exchanged.

python workflow/scripts/score_labels.py --model base --labels-file L.yaml --games G ... --contexts C ... \
    --game-files G.yaml ... --context-files C.yaml ... --prompt-format-file P.yaml \
    --option-orders cooperation_first ... --temperature 1 --idle-seconds 60 --weights W --manifest M.json \
    --threads 1 --gpus 0 --output S.parquet
"""

import argparse
from itertools import product
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.core.files import atomic_file
from tom.engines.interface import Engine
from tom.engines.opening import with_local_engine
from tom.evaluation.label_bias import SCORE_COLUMNS
from tom.games.names import file_stem, members
from tom.prompts.cells import CellFiles
from tom.prompts.variants import load_labels, scored
from tom.sampling.choices import prompt_columns, questions
from tom.sampling.local_shard import add_local_flags, read_local_flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="its name in the table")
    parser.add_argument("--labels-file", type=Path, required=True, help="what the options are called")
    parser.add_argument("--games", nargs="+", required=True)
    parser.add_argument("--contexts", nargs="+", required=True)
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--context-files", type=Path, nargs="+", required=True)
    parser.add_argument("--prompt-format-file", type=Path, required=True)
    parser.add_argument("--option-orders", nargs="+", required=True)
    parser.add_argument("--temperature", type=float, required=True)
    add_local_flags(parser)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    labels = load_labels(arguments.labels_file)
    games, contexts = ({file.stem: file for file in files} for files in (arguments.game_files, arguments.context_files))
    names = [name for game in arguments.games for name in members(game)]
    cells = [
        CellFiles(game, games[file_stem(game)], contexts[context], arguments.prompt_format_file)
        for game, context in product(sorted(names), sorted(arguments.contexts))
    ]
    model = read_local_flags(arguments)
    fields = {
        "model": arguments.model,
        "labels": arguments.labels_file.stem,
        "model_sha256": model.sha256,
        "adapter_sha256": model.adapter_sha256,
    }
    variants = scored(arguments.option_orders, labels)

    def score(engine: Engine) -> list[dict]:
        rows = []
        for cell in cells:
            asks = questions(cell, variants)
            for variant, question, found in zip(variants, asks, engine.score(asks), strict=True):
                rows.append(
                    fields
                    | {"game": cell.game, "context": cell.context_file.stem}
                    | prompt_columns(engine, variant, question.messages, model.template_json)
                    | {"exchanged": variant.cooperation_label != labels[0]}
                    | {"p_cooperate": found.probability(0, arguments.temperature), "option_mass": found.option_mass}
                )
        return rows

    rows = with_local_engine(model, arguments.idle_seconds, score)
    with atomic_file(arguments.output) as temporary:
        pl.DataFrame(rows, schema=SCORE_COLUMNS).write_parquet(temporary)


if __name__ == "__main__":
    run_main(main)
