"""Whether a run of a config can start: checked before any job, and the message names file, key and what is allowed."""

from copy import deepcopy
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
    context_folder,
    game_file,
    games_of,
    member_cells,
    out_of_sample_splits,
    question_file,
    recorded_context,
    recorded_observations,
    rewordings,
    splits_of_kind,
)
from tom.core.errors import UserError
from tom.core.yaml_files import check, load_schema
from tom.engines.endpoint import check_address, read_key, sent_names
from tom.engines.registry import engine_names, load_engine, settings_of, settings_schema
from tom.games import kinds as game_kinds
from tom.games.behaviours import load_behaviour
from tom.games.game import Game, load_games
from tom.games.kinds import load_number_game
from tom.games.names import file_stem, is_member, members
from tom.games.rescaling import split_rescaling
from tom.models.checkpoint_files import require_computable, require_unquantised
from tom.models.model_folders import check_is_model
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST, load_prompt_format
from tom.prompts.variants import LABELS, ORDERS, load_labels
from tom.sampling.recorded import read_contribution_counts, require_contributions
from tom.sampling.recorded_replies import read_replies, require_replies
from tom.training.recipe import BOTH, LABEL, ORIGINAL, PROMPTS, REPLY_TARGETS, TARGETS


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
    model["engine"]["enum"] = [*model["engine"]["enum"], *engines]
    schema["properties"]["student"]["properties"]["engine"]["enum"] = engines
    for name in engines:
        settings = settings_schema(name)
        if settings["properties"]:
            about = f"How {name} serves the model, where it is the engine; every key has a default."
            model[name] = {"description": about, **settings}
    return schema


LETTER_TARGETS = ", ".join(name for name, target in TARGETS.items() if not target.motivations)
"""The targets that need no texts."""
DRAWN_LETTERS = ", ".join(name for name, target in REPLY_TARGETS.items() if not target.motivations)
"""Those of them that need no exact probabilities either."""

SHARED_FOLDERS = (
    "adapters", "benchmarks", "checkpoints", "logs", "models", "partial", "replies", "shards", "usage",
)  # fmt: skip
"""Folders below results/ that an experiment can't be called by: tom/config/store.py."""


def check_study(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a run of this config can start.

    config: the merged configuration. file: where it was read, for messages. resources: the folder of games, contexts
    and prompt formats. Nothing large is read.
    """
    check(config, "config", file, config_schema())
    _check_experiment(config, file)
    for name, target in ((HELD_OUT, "validate"), (HELD_OUT_REWORDED, "validate_reworded")):
        if name in config["splits"]:
            raise UserError(f"{file}: splits.{name}: this name belongs to `snakemake {target}`; take another")
    games = _check_texts(config, file, resources)
    _check_disjoint(config, games, file)
    check_target(config, config["training"]["target"], file, resources)
    _check_label_targets(config, file, resources)
    _check_uniform_targets(config, file, resources)
    _check_anchors(config, file, resources)
    _check_increasing(config, file)
    _check_adapters(config, file)
    for role in ("teacher", "student"):
        _check_model(config, role, file, resources)


def _check_experiment(config: dict, file: str) -> None:
    if config["experiment"] in SHARED_FOLDERS:
        raise UserError(
            f"{file}: experiment: '{config['experiment']}' is a folder that experiments share (not allowed:"
            f" {', '.join(SHARED_FOLDERS)})"
        )


def _check_texts(config: dict, file: str, resources: Path) -> dict[str, list[Game]]:
    """Split of 2x2 games → its games. Raises UserError unless all texts are there and say what they must."""
    if not config["splits"][IN_SAMPLE].get("recorded", True):
        raise UserError(
            f"{file}: splits.{IN_SAMPLE}.recorded: students are trained on a teacher's answers (allowed: true)"
        )
    games = {
        name: _check_split(split, name, f"{file}: splits.{name}", resources) for name, split in config["splits"].items()
    }
    asked = [("prompt_format", config["prompt_format"])]
    for key, name in asked + [("compared_prompt_formats", name) for name in config["compared_prompt_formats"]]:
        _require_file(resources / "prompt_formats", name, f"{file}: {key}")
        load_prompt_format(resources / "prompt_formats" / f"{name}.yaml")
    for name in dict.fromkeys([*config["labels"], *config["breadth"]["labels"]]):
        _require_file(resources / "labels", name, f"{file}: labels")
        load_labels(resources / "labels" / f"{name}.yaml")
    _check_meanings(config["prompt_format"], games, f"{file}: prompt_format", resources)
    return games


def _check_meanings(prompt_format: str, games: dict[str, list[Game]], where: str, resources: Path) -> None:
    """Raise UserError if a prompt would say which action cooperates in a game in which none does."""
    if not load_prompt_format(resources / "prompt_formats" / f"{prompt_format}.yaml").reveals_meanings:
        return
    for split, members_ in games.items():
        if without := [game.name for game in members_ if not game.has_cooperation]:
            raise UserError(
                f"{where}: '{prompt_format}' says which action cooperates, and none does in {without[0]} of"
                f" splits.{split} (allowed: a prompt format without first_means and second_means)"
            )


def _check_split(split: dict, name: str, where: str, resources: Path) -> list[Game]:
    """The split's games, if they are 2x2 games.

    Raises UserError unless the split's games are of one kind, and its texts are there and say what they must.
    """
    kinds, games = {}, games_of(split)
    for game in games:
        _require_file(resources / "games", file_stem(game), f"{where}.games")
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
    if kind == game_kinds.NUMBER:
        for game in games:
            load_question(question_file(game, resources), load_number_game(game_file(game, resources), game))
    else:
        names = [member for game in games for member in members(game)]
        loaded = load_games(list({game_file(game, resources) for game in games}), names)
    for folder in dict.fromkeys(context_folder(game, resources) for game in games):
        for context in split["contexts"]:
            _require_file(folder, context, f"{where}.contexts")
            load_context(folder / f"{context}.yaml")
    return loaded


def _require_file(folder: Path, stem: str, where: str) -> None:
    if not (folder / f"{stem}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise UserError(f"{where}: '{stem}' has no file {folder / stem}.yaml (allowed: {known})")


def check_target(config: dict, target: str, file: str, resources: Path) -> None:
    """Raise UserError unless the teacher's replies hold what this target teaches."""
    form = _form(config, resources)
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
    if engine == "recorded" and "replies" in config["teacher"]["recorded"]:
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


def check_live_teacher(config: dict, file: str, resources: Path) -> None:
    """Raise UserError for a teacher that reads no prompts, and for a format that says more than the games have."""
    if (engine := config["teacher"]["engine"]) in ("recorded", "computed"):
        live = [*engine_names(), "openai"]
        raise UserError(f"{file}: teacher.engine: a {engine} teacher reads no prompts (allowed: {', '.join(live)})")
    in_sample = config["splits"][IN_SAMPLE]
    games = {IN_SAMPLE: _check_split(in_sample, IN_SAMPLE, f"{file}: splits.{IN_SAMPLE}", resources)}
    for name in config["compared_prompt_formats"]:
        _check_meanings(name, games, f"{file}: compared_prompt_formats", resources)


def check_two_contexts(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless one in-sample context can be left out."""
    if len(config["splits"][IN_SAMPLE]["contexts"]) < 2:
        raise UserError(
            f"{file}: splits.{IN_SAMPLE}.contexts: leaving one out leaves none to train on (allowed: two or more)"
        )


def check_rewordings(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a file rewords an in-sample context."""
    check_two_contexts(config, file, resources)
    if not any(rewordings(config["splits"][IN_SAMPLE]["contexts"], resources).values()):
        raise UserError(
            f"{resources / 'contexts'}: no file rewords a context of splits.{IN_SAMPLE}"
            " (paraphrase_of: NAME), and validate_reworded needs one"
        )


def _form(config: dict, resources: Path) -> str:
    """The form of the config's prompt format."""
    return load_prompt_format(resources / "prompt_formats" / f"{config['prompt_format']}.yaml").form


def _check_label_targets(config: dict, file: str, resources: Path) -> None:
    form, target = _form(config, resources), config["training"]["target"]
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
        _require_file(folder, context, f"{file}: training.uniform_target_contexts")
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
        _require_file(resources / "games", file_stem(game), f"{where}_games")
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
            _require_file(context_folder(game, resources), context, f"{where}_contexts")
    if games and training["batch_size"] and not (training["batch_of"] == PROMPTS or TARGETS[training["target"]].exact):
        raise UserError(
            f"{where}_games: an anchor's targets are probabilities, and single replies are drawn into batches (allowed:"
            f" training.batch_of: {PROMPTS}, or training.batch_size: null)"
        )


def check_labels(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a reply begins with the choice: labels are scored as the beginning of a reply."""
    if _form(config, resources) == CHOICE_LAST:
        raise UserError(
            f"{file}: prompt_format: '{config['prompt_format']}' has the choice at the end, and other labels are scored"
            f" as the beginning of a reply (allowed: a prompt format of the form {CHOICE} or {CHOICE_FIRST})"
        )


def check_counterbalancing(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless the config's own student is the one that the others are compared with."""
    check_labels(config, file, resources)
    training = config["training"]
    needed = {
        "training.target": ([training["target"]], [LABEL], training["target"] == LABEL),
        "option_orders": (config["option_orders"], ORDERS, set(config["option_orders"]) == set(ORDERS)),
        "training.option_orders": (training["option_orders"], ORDERS, set(training["option_orders"]) == set(ORDERS)),
        "training.label_mapping": ([training["label_mapping"]], [ORIGINAL], training["label_mapping"] == ORIGINAL),
    }
    for key, (found, allowed, agrees) in needed.items():
        if not agrees:
            raise UserError(
                f"{file}: {key}: {', '.join(found)}, but `snakemake counterbalancing` compares the config's own student"
                f" with others (allowed with it: {', '.join(allowed)})"
            )


def _check_increasing(config: dict, file: str) -> None:
    for section, key in (("learning_curve", "observations"), ("breadth", "games")):
        numbers = config[section][key]
        increasing = sorted(set(numbers))
        if numbers != increasing:
            found, allowed = (", ".join(map(str, part)) for part in (numbers, increasing))
            raise UserError(f"{file}: {section}.{key}: {found} do not increase (allowed: {allowed})")


def check_learning_curve(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless the teacher has more observations of each in-sample cell than the curve asks for."""
    teacher, fewest, target = config["teacher"], config["observations"], config["training"]["target"]
    if TARGETS[target].exact:
        raise UserError(
            f"{file}: training.target: '{target}' is the same however few observations there are, so `snakemake"
            f" learning_curve` would show nothing (allowed: {LABEL})"
        )
    if teacher["engine"] == "recorded":
        cells = cells_of(config["splits"][IN_SAMPLE])
        fewest = min(recorded_observations(cells, teacher["recorded"], resources).values())
    most = config["learning_curve"]["observations"][-1]
    if most >= fewest:
        raise UserError(
            f"{file}: learning_curve.observations: {most}, but the teacher has {fewest} of some in-sample cell, and the"
            f" config's own student is trained on all of them (allowed: less than {fewest})"
        )


def check_experiments(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless there is something to compare with: other students of the run, or finished experiments.

    The config's own experiment is none of these.
    """
    results, own = Path(config["results"]), config["experiment"]
    finished = sorted(path.parents[2].name for path in results.glob(f"*/tables/{IN_SAMPLE}/alignment.parquet"))
    others = [name for name in finished if name != own]
    names = config["compared_experiments"]
    for name in names or ([] if config.get("students") else ["[]"]):
        if name not in others:
            said = "none" if not names else f"'{name}'"
            raise UserError(
                f"{file}: compared_experiments: {said}, which is no other experiment with finished tables in {results}"
                f" (allowed: {', '.join(others) or 'none yet'})"
            )


def check_breadth(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless students of fewer games can be trained and compared in games that they were not taught."""
    taught = {member for game in games_of(config["splits"][IN_SAMPLE]) for member in members(game)}
    most, sizes = len(taught), config["breadth"]["games"]
    if sizes[-1] > most:
        raise UserError(
            f"{file}: breadth.games: {sizes[-1]}, but splits.{IN_SAMPLE} has {most} games (allowed: at most {most})"
        )
    form = load_prompt_format(resources / "prompt_formats" / f"{config['prompt_format']}.yaml").form
    if form != CHOICE:
        raise UserError(
            f"{file}: prompt_format: breadth compares exact propensities, and replies of the form {form} need not begin"
            f" with the choice (allowed: a format of the form {CHOICE})"
        )


def _check_adapters(config: dict, file: str) -> None:
    if "adapters" not in config:
        return
    folder = Path(config["adapters"])
    for seed in config["training"]["seeds"]:
        taught = folder / f"seed{seed}"
        for part in (taught / "adapter" / "adapter_config.json", taught / "manifest.json"):
            if not part.is_file():
                known = ", ".join(sorted(path.name for path in folder.glob("seed*/"))) or "none"
                raise UserError(
                    f"{file}: adapters: {part} is missing (in {folder}: {known}; training.seeds says which are used)"
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
        read_key(endpoint["key_variable"], f"{where}.key_variable")
        check_address(endpoint["base_url"], f"{where}.base_url")
        sent_names(endpoint.get("parameters", {}), f"{where}.parameters")
    elif model["source"] == "folder":
        try:
            _check_folder(Path(model["folder"]), model, role)
        except UserError as error:
            raise UserError(f"{file}: {role}.folder: {error}") from None
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
    _require_file(behaviour.parent, behaviour.stem, f"{file}: teacher.computed.behaviour")
    answered = {name: split for name, split in config["splits"].items() if answered_by_teacher(split, teacher)}
    if numbers := splits_of_kind(answered, game_kinds.NUMBER, resources):
        raise UserError(
            f"{file}: splits.{next(iter(numbers))}: a computed teacher answers in 2x2 games alone (allowed: `recorded:"
            " false`, or null for no such split)"
        )
    for context in sorted({context for split in answered.values() for context in split["contexts"]}):
        load_behaviour(behaviour, context)


def _check_recorded(config: dict, role: str, file: str, resources: Path) -> None:
    recorded = config[role]["recorded"]
    answered = {name: split for name, split in config["splits"].items() if answered_by_teacher(split, config[role])}
    two_by_two, contributions = (
        splits_of_kind(answered, kind, resources) for kind in (game_kinds.CHOICE, game_kinds.NUMBER)
    )
    recorded_observations(all_cells(two_by_two), recorded, resources)
    if contributions and "contributions" not in recorded:
        raise UserError(
            f"{file}: {role}.recorded: missing key 'contributions', which split '{next(iter(contributions))}' needs"
        )
    if contributions:
        choices = {
            (game, context): load_number_game(game_file(game, resources), game).choices()
            for game, context in all_cells(contributions)
        }
        table = recorded["contributions"]
        counts = read_contribution_counts(table, recorded["model"])
        require_contributions(counts, choices, table, recorded["model"])
