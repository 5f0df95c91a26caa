"""Whether the texts of a config are there and say what they must: games, contexts, prompt formats and labels."""

from collections.abc import Iterable
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
    games, refused = {}, []
    for name, split in config["splits"].items():
        try:
            games[name] = check_split(split, name, f"{file}: splits.{name}", resources)
        except UserError as error:
            refused.append(str(error))
    # Of all splits at once: who has mended one name should not have to start again to hear of the next.
    if refused:
        raise UserError("\n".join(refused))
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
    _require_games(games, split["contexts"], where, resources)
    for game in games:
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
        _require_files(folder, split["contexts"], f"{where}.contexts")
        for context in split["contexts"]:
            with asked_by(f"{where}.contexts"):
                load_context(folder / f"{context}.yaml")
    return loaded


def _require_games(games: list[str], contexts: list[str], where: str, resources: Path) -> None:
    """Raise UserError for games without a file, and with them for contexts that no game could have."""
    stems = dict.fromkeys(map(file_stem, games))
    missing = [line for stem in stems if (line := _no_file(resources / "games", stem, f"{where}.games"))]
    if missing:
        # In which folder its contexts are, a game's file says.
        folders = [resources / name for name in CONTEXT_FOLDERS]
        unknown = [name for name in contexts if not any((folder / f"{name}.yaml").is_file() for folder in folders)]
        missing += [_no_file(folders[0], name, f"{where}.contexts") for name in unknown]
        raise UserError("\n".join(missing))


CONTEXT_FOLDERS = ("contexts", "group_contexts")
"""Folders of contexts: for two players, and for more."""
OWN_FILES = {
    "games": "Write it, with `family` and `payoffs` (docs/extending.md), or name one that is there",
} | dict.fromkeys(
    CONTEXT_FOLDERS, "Write it, one line, `situation: ...` (docs/extending.md), or name one that is there"
)
"""Folder of resources → what to do for a file of one's own."""


def require_file(folder: Path, stem: str, where: str) -> None:
    """Raise UserError unless the folder has the YAML file."""
    _require_files(folder, [stem], where)


def _require_files(folder: Path, stems: Iterable[str], where: str) -> None:
    """The same for several, with a line for each that is missing."""
    if missing := [line for stem in stems if (line := _no_file(folder, stem, where))]:
        raise UserError("\n".join(missing))


def _no_file(folder: Path, stem: str, where: str) -> str:
    """What to say of a YAML file that the folder does not have; nothing if it has it."""
    if (folder / f"{stem}.yaml").is_file():
        return ""
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    meant = did_you_mean(stem, known)
    own = f"{'' if meant else '.'} {OWN_FILES[folder.name]}" if folder.name in OWN_FILES else ""
    return f"{where}: '{stem}' has no file {folder / stem}.yaml{meant}{own} (allowed: {', '.join(known)})"


def form_of(config: dict, resources: Path) -> str:
    """The form of the config's prompt format."""
    return load_prompt_format(resources / "prompt_formats" / f"{config['prompt_format']}.yaml").form
