"""Check that a local model can do what the config asks of it, before any other job; nothing is loaded or written.

python workflow/scripts/check_model.py --role student --weights FOLDER --resources resources < CONFIG.json

Read are the headers of the weights, the configuration and the tokenizer. Prompts are written for each context of the
config, with the first of each of its games.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tom.config.study import cells_of, context_folder, game_file, games_of, question_file
from tom.core.errors import UserError, run_main
from tom.games import kinds
from tom.games.kinds import load_number_game
from tom.games.names import members
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question
from tom.prompts.prompts import CHOICE, CHOICE_LAST, Messages, load_prompt_format
from tom.prompts.variants import scored
from tom.training.recipe import module_names

NUMBER_TOKENS = 8
"""Of a number that is scored as a whole reply, with its end."""


def prompts(config: dict, resources: Path) -> Iterator[tuple[str, Messages, int]]:
    """Where a prompt is asked, its messages, and the most tokens of its reply."""
    file = resources / "prompt_formats" / f"{config['prompt_format']}.yaml"
    prompt_format = load_prompt_format(file)
    longest = 1 if prompt_format.form == CHOICE else prompt_format.max_tokens
    for split in config["splits"].values():
        first = {game_file(game, resources): game for game in reversed(games_of(split))}
        for game, context in cells_of(split | {"games": list(first.values())}):
            place = context_folder(game, resources) / f"{context}.yaml"
            if kinds.kind_of(game_file(game, resources)) == kinds.NUMBER:
                numbers = load_number_game(game_file(game, resources), game)
                question = load_question(question_file(game, resources), numbers)
                yield str(place), render_question(question, numbers, load_context(place)), NUMBER_TOKENS
                continue
            cell = CellFiles(members(game)[0], game_file(game, resources), place, file)
            for messages in render_variants(cell, scored(config["option_orders"])):
                yield str(place), messages, longest


def check(role: str, weights: Path, config: dict, resources: Path) -> None:
    """Raise UserError unless the model, of a section of the config, can be asked and, as a student, trained."""
    from tom.models.language_models import load_tokenizer, require_usable
    from tom.models.model_checks import check_quantisable, check_room, check_target_modules
    from tom.prompts.chat import exchange, prompt_ids

    model = config[role]
    packed = role == "student" or model["engine"] == "transformers"
    if packed:
        empty = require_usable(weights)
        if model["precision"] == "nf4":
            check_quantisable(weights, empty)
        if role == "student" and "adapters" not in config:
            check_target_modules(empty, module_names(config["training"]["target_modules"]))
    tokenizer = load_tokenizer(weights, model.get("template"))
    form = load_prompt_format(resources / "prompt_formats" / f"{config['prompt_format']}.yaml").form
    # A teacher whose choice comes last is not scored, and may think first.
    begins = role == "student" or form != CHOICE_LAST
    for place, messages, longest in prompts(config, resources):
        try:
            prompt = prompt_ids(tokenizer, messages)
            if begins:
                exchange(tokenizer, messages, "C")
            check_room(weights, [len(prompt) + longest], packed=packed and longest == 1)
        except UserError as error:
            raise UserError(f"{place}: {error}") from None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The merged config is read from stdin."
    )
    parser.add_argument("--role", choices=("teacher", "student"), required=True)
    parser.add_argument("--weights", type=Path, required=True, help="model folder")
    parser.add_argument("--resources", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check(arguments.role, arguments.weights, json.load(sys.stdin), arguments.resources)
    except UserError as error:
        raise UserError(f"{arguments.role}: {error}") from None


if __name__ == "__main__":
    run_main(main)
