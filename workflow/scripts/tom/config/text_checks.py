"""Whether the texts of a config are there and say what they must: games, contexts, prompt formats and labels."""

from pathlib import Path

from tom.config.study import (
    IN_SAMPLE,
    context_folder,
    game_file,
    games_of,
    question_file,
)
from tom.core.errors import UserError, asked_by, did_you_mean
from tom.games import kinds as game_kinds
from tom.games.game import Game, load_games
from tom.games.kinds import load_number_game
from tom.games.names import file_stem, members
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question
from tom.prompts.prompts import load_prompt_format
from tom.prompts.variants import load_labels


def check_texts(config: dict, file: str, resources: Path) -> dict[str, list[Game]]:
    """Split of 2x2 games → its games. Raises UserError unless all texts are there and say what they must."""
    if not config["splits"][IN_SAMPLE].get("recorded", True):
        raise UserError(
            f"{file}: splits.{IN_SAMPLE}.recorded: students are trained on a teacher's answers (allowed: true)"
        )
    games = {
        name: check_split(split, name, f"{file}: splits.{name}", resources) for name, split in config["splits"].items()
    }
    asked = [("prompt_format", config["prompt_format"])]
    for key, name in asked + [("compared_prompt_formats", name) for name in config["compared_prompt_formats"]]:
        require_file(resources / "prompt_formats", name, f"{file}: {key}")
        load_prompt_format(resources / "prompt_formats" / f"{name}.yaml")
    for name in dict.fromkeys([*config["labels"], *config["breadth"]["labels"]]):
        require_file(resources / "labels", name, f"{file}: labels")
        load_labels(resources / "labels" / f"{name}.yaml")
    check_meanings(config["prompt_format"], games, f"{file}: prompt_format", resources)
    return games


def check_meanings(prompt_format: str, games: dict[str, list[Game]], where: str, resources: Path) -> None:
    """Raise UserError if a prompt would say which action cooperates in a game in which none does."""
    if not load_prompt_format(resources / "prompt_formats" / f"{prompt_format}.yaml").reveals_meanings:
        return
    for split, members_ in games.items():
        if without := [game.name for game in members_ if not game.has_cooperation]:
            raise UserError(
                f"{where}: '{prompt_format}' says which action cooperates, and none does in {without[0]} of"
                f" splits.{split} (allowed: a prompt format without first_means and second_means)"
            )


def check_split(split: dict, name: str, where: str, resources: Path) -> list[Game]:
    """The split's games, if they are 2x2 games.

    Raises UserError unless the split's games are of one kind, and its texts are there and say what they must.
    """
    kinds = {}
    with asked_by(f"{where}.games"):
        games = games_of(split)
    for game in games:
        require_file(resources / "games", file_stem(game), f"{where}.games")
        with asked_by(f"{where}.games"):
            kinds[game] = game_kinds.kind_of(game_file(game, resources))
    kind = kinds[games[0]]
    if name == IN_SAMPLE and kind != game_kinds.CHOICE:
        raise UserError(
            f"{where}.games: students are trained on choices (allowed: games of the kind {game_kinds.CHOICE})"
        )
    if other := [game for game in kinds if kinds[game] != kind]:
        raise UserError(
            f"{where}.games: {other[0]} is of the kind {kinds[other[0]]} (allowed: {kind}, the kind of the first)"
        )
    loaded = []
    with asked_by(f"{where}.games"):
        if kind == game_kinds.NUMBER:
            for game in games:
                load_question(question_file(game, resources), load_number_game(game_file(game, resources), game))
        else:
            names = [member for game in games for member in members(game)]
            loaded = load_games(list({game_file(game, resources) for game in games}), names)
    for folder in dict.fromkeys(context_folder(game, resources) for game in games):
        for context in split["contexts"]:
            require_file(folder, context, f"{where}.contexts")
            with asked_by(f"{where}.contexts"):
                load_context(folder / f"{context}.yaml")
    return loaded


OWN_FILES = {
    "contexts": "Write it, one line, `situation: ...` (docs/extending.md), or name one that is there",
    "games": "Write it, with `family` and `payoffs` (docs/extending.md), or name one that is there",
}
"""Folder of resources → what to do for a file of one's own."""
OWN_FILES["group_contexts"] = OWN_FILES["contexts"]


def require_file(folder: Path, stem: str, where: str) -> None:
    if not (folder / f"{stem}.yaml").is_file():
        known = sorted(path.stem for path in folder.glob("*.yaml"))
        meant = did_you_mean(stem, known)
        own = f"{'' if meant else '.'} {OWN_FILES[folder.name]}" if folder.name in OWN_FILES else ""
        raise UserError(f"{where}: '{stem}' has no file {folder / stem}.yaml{meant}{own} (allowed: {', '.join(known)})")


def form_of(config: dict, resources: Path) -> str:
    """The form of the config's prompt format."""
    return load_prompt_format(resources / "prompt_formats" / f"{config['prompt_format']}.yaml").form
