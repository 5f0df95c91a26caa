"""Whether a config's training section can be followed: its target, prompts, anchors and frozen adapters."""

from pathlib import Path

from tom.config.study import (
    IN_SAMPLE,
    cells_of,
    context_folder,
    game_file,
    games_of,
    member_cells,
    question_file,
    recorded_context,
)
from tom.config.text_checks import form_of, require_file
from tom.core.errors import UserError
from tom.games import kinds as game_kinds
from tom.games.kinds import load_number_game
from tom.games.names import file_stem
from tom.prompts.number_questions import load_question
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST
from tom.prompts.variants import LABELS
from tom.sampling.recorded_replies import read_replies, require_replies
from tom.training.recipe import BOTH, ORIGINAL, PROMPTS, REPLY_TARGETS, TARGETS

LETTER_TARGETS = ", ".join(name for name, target in TARGETS.items() if not target.motivations)
"""The targets that need no texts."""
DRAWN_LETTERS = ", ".join(name for name, target in REPLY_TARGETS.items() if not target.motivations)
"""Those of them that need no exact probabilities either."""


def check_training(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a student can be trained as the config says, or was."""
    check_target(config, config["training"]["target"], file, resources)
    _check_label_targets(config, file, resources)
    _check_uniform_targets(config, file, resources)
    _check_anchors(config, file, resources)
    _check_adapters(config, file)


def check_target(config: dict, target: str, file: str, resources: Path) -> None:
    """Raise UserError unless the teacher's replies hold what this target teaches."""
    form = form_of(config, resources)
    if config["training"]["uniform_target_contexts"] and (TARGETS[target].motivations or form == CHOICE_LAST):
        raise UserError(
            f"{file}: training.uniform_target_contexts: a uniform target has no motivations, and target '{target}' and"
            f" prompt_format '{config['prompt_format']}' train on more than letters (allowed: [])"
        )
    key = f"{file}: training.target: '{target}'"
    if form == CHOICE and TARGETS[target].motivations:
        raise UserError(
            f"{key} trains on motivations; prompt_format '{config['prompt_format']}' asks for none"
            f" (allowed: {LETTER_TARGETS})"
        )
    engine = config["teacher"]["engine"]
    if engine == "recorded" and "replies" in config["teacher"].get("recorded", {}):
        if TARGETS[target].motivations or form == CHOICE_LAST:
            _require_texts(config, f"{key} trains on the teacher's texts", resources)
    elif engine in ("recorded", "computed"):
        if TARGETS[target].motivations:
            allowed = f"{DRAWN_LETTERS}, or teacher.recorded.replies" if engine == "recorded" else LETTER_TARGETS
            raise UserError(
                f"{key} trains on the teacher's texts, and a {engine} teacher has none (allowed: {allowed})"
            )
        if form == CHOICE_LAST:
            raise UserError(
                f"{key} trains on the choice after the teacher's motivation, and a {engine} teacher has no texts "
                f"(allowed: a prompt format of the form {CHOICE} or {CHOICE_FIRST})"
            )
    if TARGETS[target].exact:
        _check_exact_target(config, key, form)


def _require_texts(config: dict, key: str, resources: Path) -> None:
    """Raise UserError unless a recorded teacher has replies in words in every in-sample cell."""
    settings = config["teacher"]["recorded"]["replies"]
    cells = member_cells(cells_of(config["splits"][IN_SAMPLE]))
    asked = [(game, recorded_context(context, resources)) for game, context in cells]
    require_replies(read_replies(settings), asked, settings["file"], key)


def _check_exact_target(config: dict, key: str, form: str) -> None:
    if config["teacher"]["engine"] == "recorded":
        raise UserError(
            f"{key} trains on exact probabilities, and a recorded teacher has counts alone (allowed: {DRAWN_LETTERS})"
        )
    if form == CHOICE_LAST:
        raise UserError(
            f"{key} trains on exact probabilities of the choice, which has none after a motivation (allowed: a prompt"
            f" format of the form {CHOICE} or {CHOICE_FIRST})"
        )
    if absent := [order for order in config["training"]["option_orders"] if order not in config["option_orders"]]:
        raise UserError(
            f"{key} trains on the teacher's probabilities in {absent[0]}, in which it isn't asked (allowed:"
            f" training.option_orders within option_orders, {', '.join(config['option_orders'])})"
        )


def check_targets(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless the teacher's replies hold what each target teaches."""
    for target in REPLY_TARGETS:
        check_target(config, target, file, resources)


def _check_label_targets(config: dict, file: str, resources: Path) -> None:
    form, target = form_of(config, resources), config["training"]["target"]
    what = f"target '{target}' and prompt_format '{config['prompt_format']}'"
    if config["training"]["gauss_newton_steps"] and (TARGETS[target].motivations or form == CHOICE_LAST):
        raise UserError(
            f"{file}: training.gauss_newton_steps: steps are for single letters, and {what} train on more (allowed: 0)"
        )
    if config["training"]["label_mapping"] == BOTH and (TARGETS[target].motivations or form == CHOICE_LAST):
        raise UserError(
            f"{file}: training.label_mapping: '{BOTH}' exchanges single letters, and {what} train on more"
            f" (allowed: {ORIGINAL})"
        )

    _check_drawn_prompts(config["training"], TARGETS[target].motivations or form == CHOICE_LAST, what, file)


def _check_drawn_prompts(training: dict, longer: bool, what: str, file: str) -> None:
    """longer: whether `what` is trained on has more than a letter."""
    for pair in training["label_pairs"]:
        first, second = pair
        if first.startswith(second) or second.startswith(first):
            raise UserError(
                f"{file}: training.label_pairs: {first!r} and {second!r}: one is the beginning of the other (allowed:"
                " labels of which neither is)"
            )
    if longer and training["label_pairs"] != [list(LABELS)]:
        raise UserError(f"{file}: training.label_pairs: {what} train on more than a label (allowed: [[C, D]])")
    whole = training["batch_of"] == PROMPTS or TARGETS[training["target"]].exact
    if training["variants_per_epoch"] is not None and not (whole and training["batch_size"]):
        raise UserError(
            f"{file}: training.variants_per_epoch: {training['variants_per_epoch']} needs batches of whole prompts"
            f" (allowed: null, or with training.batch_of: {PROMPTS} and a training.batch_size)"
        )


def _check_uniform_targets(config: dict, file: str, resources: Path) -> None:
    folder, asked = resources / "contexts", {}
    for name, split in config["splits"].items():
        if folder in {context_folder(game, resources) for game in games_of(split)}:
            asked = {recorded_context(context, resources): name for context in split["contexts"]} | asked
    for context in config["training"]["uniform_target_contexts"]:
        require_file(folder, context, f"{file}: training.uniform_target_contexts")
        situation = recorded_context(context, resources)
        if situation in asked:
            raise UserError(
                f"{file}: training.uniform_target_contexts: '{context}' is the situation '{situation}' of"
                f" splits.{asked[situation]} (allowed: contexts that no split has in any wording)"
            )


def _check_anchors(config: dict, file: str, resources: Path) -> None:
    training, where = config["training"], f"{file}: training.anchor"
    games, contexts = training["anchor_games"], training["anchor_contexts"]
    if bool(games) != bool(contexts):
        given, empty = ("games", "contexts") if games else ("contexts", "games")
        raise UserError(f"{where}_{empty}: [] leaves training.anchor_{given} without a cell (allowed: both or neither)")
    asked = {game: name for name, split in config["splits"].items() for game in games_of(split)}
    for game in games:
        require_file(resources / "games", file_stem(game), f"{where}_games")
        if game_kinds.kind_of(game_file(game, resources)) != game_kinds.NUMBER:
            raise UserError(
                f"{where}_games: {game} asks for no number (allowed: games of the kind {game_kinds.NUMBER})"
            )
        if game in asked:
            raise UserError(
                f"{where}_games: {game} is measured in splits.{asked[game]}, where the student would answer as it was"
                " trained to (allowed: games that no split has)"
            )
        load_question(question_file(game, resources), load_number_game(game_file(game, resources), game))
        for context in contexts:
            require_file(context_folder(game, resources), context, f"{where}_contexts")
    if games and training["batch_size"] and not (training["batch_of"] == PROMPTS or TARGETS[training["target"]].exact):
        raise UserError(
            f"{where}_games: an anchor's targets are probabilities, and single replies are drawn into batches (allowed:"
            f" training.batch_of: {PROMPTS}, or training.batch_size: null)"
        )


def _check_adapters(config: dict, file: str) -> None:
    if "adapters" not in config:
        return
    folder = Path(config["adapters"])
    if not folder.is_dir():
        trained = Path(config["results"]) / "adapters"
        known = ", ".join(sorted(path.name for path in trained.glob("*/"))) or "none yet"
        raise UserError(
            f"{file}: adapters: {folder}: no such folder (allowed: a folder of trained students; in {trained}: {known})"
        )
    for seed in config["training"]["seeds"]:
        taught = folder / f"seed{seed}"
        for part in (taught / "adapter" / "adapter_config.json", taught / "manifest.json"):
            if not part.is_file():
                known = ", ".join(sorted(path.name for path in folder.glob("seed*/"))) or "none"
                raise UserError(
                    f"{file}: adapters: {part} is missing (in {folder}: {known}; training.seeds says which are used)"
                )
