"""Whether a run of a config can start: checked before any job, and the message names file, key and what is allowed."""

import re
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tom.config.study import (
    HELD_OUT,
    HELD_OUT_REWORDED,
    IN_SAMPLE,
    all_cells,
    answered_by_teacher,
    behaviour_file,
    cells_of,
    game_file,
    games_of,
    member_cells,
    out_of_sample_splits,
    recorded_observations,
    splits_of_kind,
)
from tom.config.text_checks import check_texts, require_file
from tom.config.training_checks import check_training
from tom.core.errors import UserError, asked_by
from tom.core.yaml_files import check, load_schema
from tom.engines.endpoint import check_address, sent_names
from tom.engines.registry import engine_names, load_engine, settings_of, settings_schema
from tom.games import kinds as game_kinds
from tom.games.behaviours import load_behaviour
from tom.games.game import Game
from tom.games.kinds import load_number_game
from tom.games.names import is_member, members
from tom.games.rescaling import split_rescaling
from tom.models.checkpoint_files import require_computable, require_unquantised
from tom.models.model_folders import check_is_model
from tom.sampling.recorded import read_contribution_counts, read_counts, require_contributions
from tom.training.recipe import TARGETS


def config_schema() -> dict[str, Any]:
    """JSON schema of a whole config: every local engine may answer for a model, with its own section of settings."""
    schema = deepcopy(load_schema("config"))
    model = schema["$defs"]["model"]["properties"]
    target = schema["properties"]["training"]["properties"]["target"]
    target["enum"] = list(TARGETS)
    target["description"] += (
        " ".join(["", *(f"{name}: {found.about};" for name, found in TARGETS.items())]).rstrip(";") + "."
    )
    engines = list(engine_names())
    schema["properties"]["teacher"]["properties"]["engine"]["enum"] += engines
    schema["properties"]["student"]["properties"]["engine"]["enum"] = engines
    with_weights, *_ = schema["$defs"]["model"]["allOf"]
    with_weights["if"]["properties"]["engine"]["enum"] = engines
    for name in engines:
        settings = settings_schema(name)
        if settings["properties"]:
            about = f"How {name} serves the model, where it is the engine; every key has a default."
            model[name] = {"description": about, **settings}
    return schema


SHARED_FOLDERS = (
    "adapters", "benchmarks", "checkpoints", "logs", "models", "partial", "replies", "shards", "usage",
)  # fmt: skip
"""Folders below results/ that an experiment can't be called by: tom/config/store.py."""


LIBRARY_WORDS = {
    " should be non-empty": " is empty (allowed: one or more)",
    " has non-unique elements": " has the same twice (allowed: each once)",
    " is too short": " has too few (allowed: two)",
    " is too long": " has too many (allowed: two)",
}
"""The end of a message of jsonschema → ours. Only pairs of labels have a length."""


def check_study(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a run of this config can start.

    config: the merged configuration. file: where it was read, for messages. resources: the folder of games, contexts
    and prompt formats. Nothing large is read.
    """
    schema = config_schema()
    _check_key_variables(config, file, schema)
    try:
        check(config, "config", file, schema)
    except UserError as error:
        raise UserError(in_own_words(str(error))) from None
    _check_experiment(config, file)
    for name, target in ((HELD_OUT, "validate"), (HELD_OUT_REWORDED, "validate_reworded")):
        if name in config["splits"]:
            raise UserError(f"{file}: splits.{name}: this name belongs to `snakemake {target}`; take another")
    games = check_texts(config, file, resources)
    _check_disjoint(config, games, file)
    check_training(config, file, resources)
    _check_increasing(config, file)
    _check_tensorboard(config, file)
    for role in ("teacher", "student"):
        _check_model(config, role, file, resources)


def in_own_words(message: str) -> str:
    """A schema's complaint whose lines all say what is allowed, where the library's words for it do not.

    Here and not in tom/core/yaml_files.py, whose functions every job reads its files with: new words there would make
    a finished run stale.
    """
    return "\n".join(_in_own_words(line) for line in message.splitlines())


def _in_own_words(line: str) -> str:
    found = next((words for words in LIBRARY_WORDS if line.endswith(words)), None)
    return line.removesuffix(found) + LIBRARY_WORDS[found] if found else line


def _check_key_variables(config: dict, file: str, schema: dict) -> None:
    """Raise UserError for what is no name of a variable, such as a key, before any message shows it."""
    name = re.compile(schema["$defs"]["model"]["properties"]["endpoint"]["properties"]["key_variable"]["pattern"])
    for role in ("teacher", "student"):
        found = config.get(role)
        for part in ("endpoint", "key_variable"):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None and not (isinstance(found, str) and name.search(found)):
            raise UserError(
                f"{file}: {role}.endpoint.key_variable: not the name of an environment variable (its value is not"
                " shown here, since it may be a key)"
            )


def _check_experiment(config: dict, file: str) -> None:
    if config["experiment"] in SHARED_FOLDERS:
        raise UserError(
            f"{file}: experiment: '{config['experiment']}' is a folder that experiments share (not allowed:"
            f" {', '.join(SHARED_FOLDERS)})"
        )


def _check_increasing(config: dict, file: str) -> None:
    for section, key in (("learning_curve", "observations"), ("breadth", "games")):
        numbers = config[section][key]
        increasing = sorted(set(numbers))
        if numbers != increasing:
            found, allowed = (", ".join(map(str, part)) for part in (numbers, increasing))
            raise UserError(f"{file}: {section}.{key}: {found} do not increase (allowed: {allowed})")


def _check_tensorboard(config: dict, file: str) -> None:
    if config.get("tensorboard") and find_spec("tensorboardX") is None:
        raise UserError(
            f"{file}: tensorboard: true needs a package that is not installed (python -m pip install"
            " tensorboardX==2.6.5; allowed without it: false)"
        )


def _check_disjoint(config: dict, games: dict[str, list[Game]], file: str) -> None:
    splits, spelt = config["splits"], {}
    cells = {name: member_cells(cells_of(split)) for name, split in splits.items()}
    taught = {(split_rescaling(game), context) for game, context in cells[IN_SAMPLE]}
    for name, split in splits.items():
        names = [member for game in games_of(split) for member in members(game)]
        if len({split_rescaling(game) for game in names}) < len(names):
            raise UserError(f"{file}: splits.{name}.games: {', '.join(split['games'])}: a game is named twice")
        shared = sorted(cell for cell in cells[name] if (split_rescaling(cell[0]), cell[1]) in taught)
        if shared and name != IN_SAMPLE:
            game, context = shared[0]
            raise UserError(
                f"{file}: splits.{name}: {game} in {context} is trained on (in_sample), so it is not out of sample"
                " (allowed: cells that in_sample does not have)"
            )
        for game in names:
            if (known := spelt.setdefault(split_rescaling(game), game)) != game:
                raise UserError(
                    f"{file}: splits.{name}.games: {game} is the same game as {known} of another split"
                    f" (allowed: {known})"
                )
    _check_new_payoffs(splits, games, file)


def _check_new_payoffs(splits: dict, games: dict[str, list[Game]], file: str) -> None:
    """Raise UserError if a game of a set has the payoffs of a taught one, in a context that both are asked in."""
    taught = {(game.own, game.other or game.own): game.name for game in games[IN_SAMPLE]}
    for name in out_of_sample_splits(splits):
        if not set(splits[name]["contexts"]) & set(splits[IN_SAMPLE]["contexts"]):
            continue
        for game in games[name]:
            same = taught.get((game.own, game.other or game.own))
            if same and (is_member(same) or is_member(game.name)):
                raise UserError(
                    f"{file}: splits.{name}.games: {game.name} has the payoffs of {same}, which is trained on (allowed:"
                    " ranges without it, or another seed or wider payoffs in the set's file)"
                )


def _check_model(config: dict, role: str, file: str, resources: Path) -> None:
    model = config[role]
    if "template" in model and model["engine"] not in engine_names():
        raise UserError(f"{file}: {role}.template: for models whose weights answer here (allowed: no such key)")
    if model["engine"] == "recorded":
        _check_recorded(config, role, file, resources)
    elif model["engine"] == "computed":
        _check_computed(config, file, resources)
    elif model["engine"] == "openai":
        endpoint, where = model["endpoint"], f"{file}: {role}.endpoint"
        check_address(endpoint["base_url"], f"{where}.base_url")
        sent_names(endpoint.get("parameters", {}), f"{where}.parameters")
    elif model["source"] == "folder":
        with asked_by(f"{file}: {role}.folder"):
            _check_folder(Path(model["folder"]), model, role)
    if (engine := model["engine"]) in engine_names():
        load_engine(engine).check(settings_of(engine, model.get(engine, {})), model, f"{file}: {role}")


def _check_folder(folder: Path, model: dict, role: str) -> None:
    check_is_model(folder)
    if model["precision"] != "source":
        require_unquantised(folder, model["precision"])
    if role == "student" or model["engine"] == "transformers":
        require_computable(folder)


def _check_computed(config: dict, file: str, resources: Path) -> None:
    teacher = config["teacher"]
    behaviour = behaviour_file(teacher, resources)
    require_file(behaviour.parent, behaviour.stem, f"{file}: teacher.computed.behaviour")
    answered = {name: split for name, split in config["splits"].items() if answered_by_teacher(split, teacher)}
    if numbers := splits_of_kind(answered, game_kinds.NUMBER, resources):
        raise UserError(
            f"{file}: splits.{next(iter(numbers))}: a computed teacher answers in 2x2 games alone (allowed: `recorded:"
            " false`, or null for no such split)"
        )
    for context in sorted({context for split in answered.values() for context in split["contexts"]}):
        load_behaviour(behaviour, context)


def _check_recorded(config: dict, role: str, file: str, resources: Path) -> None:
    recorded = config[role].get("recorded", {})
    answered = {name: split for name, split in config["splits"].items() if answered_by_teacher(split, config[role])}
    two_by_two, contributions = (
        splits_of_kind(answered, kind, resources) for kind in (game_kinds.CHOICE, game_kinds.NUMBER)
    )
    if "counts" in recorded:
        _check_counts(two_by_two, recorded, f"{file}: {role}.recorded")
    for name, split in two_by_two.items():
        with asked_by(f"{file}: splits.{name}"):
            recorded_observations(cells_of(split), recorded, resources)
    if contributions and "contributions" not in recorded:
        raise UserError(
            f"{file}: {role}.recorded: missing key 'contributions', which split '{next(iter(contributions))}' needs"
        )
    if contributions:
        table = recorded["contributions"]
        with asked_by(f"{file}: {role}.recorded.contributions"):
            counts = read_contribution_counts(table, recorded["model"])
    for name, split in contributions.items():
        choices = {
            (game, context): load_number_game(game_file(game, resources), game).choices()
            for game, context in cells_of(split)
        }
        with asked_by(f"{file}: splits.{name}"):
            require_contributions(counts, choices, table, recorded["model"])


def _check_counts(splits: dict, recorded: dict, where: str) -> None:
    """Raise UserError if the table of counts can't be read, or has none of a model that answers by it alone."""
    with asked_by(f"{where}.counts"):
        counts = read_counts(recorded["counts"], recorded["model"])
    published = any(not is_member(game) for game, _ in all_cells(splits))
    if published and not counts and "replies" not in recorded:
        raise UserError(
            f"{where}.model: '{recorded['model']}' has no row in {recorded['counts']} (allowed: what its column model"
            " has)"
        )
