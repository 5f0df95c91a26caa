"""Whether a run of a config can start: checked before any job, and the message names file, key and what is allowed."""

from pathlib import Path

from tom.asking import game_kinds
from tom.asking.contexts import load_context
from tom.asking.games import split_order
from tom.asking.labels import load_labels
from tom.asking.number_questions import load_question
from tom.asking.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST, load_elicitation
from tom.asking.rescaling import split_rescaling
from tom.asking.variants import ORDERS
from tom.documents import check
from tom.engines.endpoint import read_key
from tom.engines.recorded_contributions import read_contribution_counts, require_contributions
from tom.engines.recorded_teacher import read_counts, require_cells
from tom.engines.vllm_settings import VllmSettings, require_vllm
from tom.errors import BadInput
from tom.number_games.loading import load_number_game
from tom.study import (
    HELD_OUT,
    HELD_OUT_REWORDED,
    IN_SAMPLE,
    all_cells,
    answered_by_teacher,
    cells_of,
    context_folder,
    game_file,
    out_of_sample_splits,
    question_file,
    recorded_cells,
    recorded_context,
    splits_of_kind,
)
from tom.teaching.recipe import AS_ASKED, CHOICES, EXCHANGED_TOO
from tom.weights.model_folders import check_is_model


def check_study(config: dict, file: str, resources: Path) -> None:
    """Raise BadInput unless a run of this config can start.

    config: the merged configuration; file: where it was read, for messages; resources: the folder of
    games, contexts and elicitations. Nothing large is read.
    """
    check(config, "config", file)
    for name, target in ((HELD_OUT, "validate"), (HELD_OUT_REWORDED, "validate_reworded")):
        if name in config["splits"]:
            raise BadInput(f"{file}: splits.{name}: this name belongs to `snakemake {target}`; take another")
    _check_texts(config, file, resources)
    _check_disjoint(config, file)
    check_supervision(config, config["training"]["supervision"], file, resources)
    _check_letters(config, file, resources)
    _check_unanswered(config, file, resources)
    _check_increasing(config, file)
    _check_adapters(config, file)
    for role in ("teacher", "student"):
        _check_model(config, role, file, resources)


def _check_texts(config: dict, file: str, resources: Path) -> None:
    if not config["splits"][IN_SAMPLE].get("recorded", True):
        raise BadInput(f"{file}: splits.{IN_SAMPLE}.recorded: what is taught is a teacher's answers (allowed: true)")
    for name, split in config["splits"].items():
        _check_split(split, name, f"{file}: splits.{name}", resources)
    asked = [("elicitation", config["elicitation"])]
    for key, name in asked + [("compared_elicitations", name) for name in config["compared_elicitations"]]:
        _require_file(resources / "elicitations", name, f"{file}: {key}")
        load_elicitation(resources / "elicitations" / f"{name}.yaml")
    for name in config["labels"]:
        _require_file(resources / "labels", name, f"{file}: labels")
        load_labels(resources / "labels" / f"{name}.yaml")


def _check_split(split: dict, name: str, where: str, resources: Path) -> None:
    """Raise BadInput unless the split's games are of one kind, and its texts are there and say what they must."""
    kinds = {}
    for game in split["games"]:
        _require_file(resources / "games", split_order(game)[0], f"{where}.games")
        kinds[game] = game_kinds.kind_of(game_file(game, resources))
    kind = kinds[split["games"][0]]
    if name == IN_SAMPLE and kind != game_kinds.CHOICE:
        raise BadInput(f"{where}.games: what is taught is choices (allowed: games of the kind {game_kinds.CHOICE})")
    if other := [game for game in kinds if kinds[game] != kind]:
        raise BadInput(f"{where}.games: {other[0]} is of the kind {kinds[other[0]]} (allowed: {kind}, as the first is)")
    for game in split["games"]:
        loaded = game_kinds.LOADERS[kind](game_file(game, resources), game)
        if kind == game_kinds.NUMBER:
            load_question(question_file(game, resources), loaded)
    for folder in dict.fromkeys(context_folder(game, resources) for game in split["games"]):
        for context in split["contexts"]:
            _require_file(folder, context, f"{where}.contexts")
            load_context(folder / f"{context}.yaml")


def _require_file(folder: Path, stem: str, where: str) -> None:
    if not (folder / f"{stem}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise BadInput(f"{where}: '{stem}' has no file {folder / stem}.yaml (allowed: {known})")


def check_supervision(config: dict, supervision: str, file: str, resources: Path) -> None:
    """Raise BadInput unless the teacher's replies hold what this supervision teaches."""
    form = _form(config, resources)
    if config["training"]["unanswered"] and (supervision != CHOICES or form == CHOICE_LAST):
        raise BadInput(
            f"{file}: training.unanswered: a coin has no motivations, and supervision '{supervision}' and elicitation"
            f" '{config['elicitation']}' teach more than letters (allowed: [])"
        )
    key = f"{file}: training.supervision: '{supervision}'"
    if form == CHOICE and supervision != CHOICES:
        raise BadInput(
            f"{key} learns motivations, and elicitation '{config['elicitation']}' asks for none (allowed: {CHOICES})"
        )
    if config["teacher"]["engine"] == "recorded":
        if supervision != CHOICES:
            raise BadInput(f"{key} learns the teacher's texts, and a recorded teacher has none (allowed: {CHOICES})")
        if form == CHOICE_LAST:
            raise BadInput(
                f"{key} learns the choice behind the teacher's motivation, and a recorded teacher has no texts "
                f"(allowed: an elicitation of the form {CHOICE} or {CHOICE_FIRST})"
            )


def _form(config: dict, resources: Path) -> str:
    """The form of the run's elicitation."""
    return load_elicitation(resources / "elicitations" / f"{config['elicitation']}.yaml").form


def _check_letters(config: dict, file: str, resources: Path) -> None:
    form, supervision = _form(config, resources), config["training"]["supervision"]
    what = f"supervision '{supervision}' and elicitation '{config['elicitation']}'"
    if config["training"]["refinements"] and (supervision != CHOICES or form == CHOICE_LAST):
        raise BadInput(
            f"{file}: training.refinements: steps on single letters, and {what} teach more than those (allowed: 0)"
        )
    if config["training"]["letters"] == EXCHANGED_TOO and (supervision != CHOICES or form == CHOICE_LAST):
        raise BadInput(
            f"{file}: training.letters: '{EXCHANGED_TOO}' exchanges single letters, and {what} teach more than those"
            f" (allowed: {AS_ASKED})"
        )


def _check_unanswered(config: dict, file: str, resources: Path) -> None:
    folder, asked = resources / "contexts", {}
    for name, split in config["splits"].items():
        if folder in {context_folder(game, resources) for game in split["games"]}:
            asked = {recorded_context(context, resources): name for context in split["contexts"]} | asked
    for context in config["training"]["unanswered"]:
        _require_file(folder, context, f"{file}: training.unanswered")
        situation = recorded_context(context, resources)
        if situation in asked:
            raise BadInput(
                f"{file}: training.unanswered: '{context}' is the situation '{situation}' of splits.{asked[situation]}"
                " (allowed: contexts that no split has in any wording)"
            )


def check_labels(config: dict, file: str, resources: Path) -> None:
    """Raise BadInput unless a reply begins with an option's name, which is what labels are scored as."""
    if _form(config, resources) == CHOICE_LAST:
        raise BadInput(
            f"{file}: elicitation: '{config['elicitation']}' has the choice at the end, and other labels are scored as"
            f" the beginning of a reply (allowed: an elicitation of the form {CHOICE} or {CHOICE_FIRST})"
        )


def check_counterbalancing(config: dict, file: str, resources: Path) -> None:
    """Raise BadInput unless the run's own students are those that the others are set beside, and can be so taught."""
    check_labels(config, file, resources)
    training = config["training"]
    needed = {
        "training.supervision": ([training["supervision"]], [CHOICES], training["supervision"] == CHOICES),
        "orders": (config["orders"], ORDERS, set(config["orders"]) == set(ORDERS)),
        "training.orders": (training["orders"], ORDERS, set(training["orders"]) == set(ORDERS)),
        "training.letters": ([training["letters"]], [AS_ASKED], training["letters"] == AS_ASKED),
    }
    for key, (found, allowed, agrees) in needed.items():
        if not agrees:
            raise BadInput(
                f"{file}: {key}: {', '.join(found)}, but `snakemake counterbalancing` sets the run's own students"
                f" beside others (allowed with it: {', '.join(allowed)})"
            )


def _check_increasing(config: dict, file: str) -> None:
    numbers = config["learning_curve"]["observations"]
    increasing = sorted(set(numbers))
    if numbers != increasing:
        found, allowed = (", ".join(map(str, part)) for part in (numbers, increasing))
        raise BadInput(f"{file}: learning_curve.observations: {found} do not increase (allowed: {allowed})")


def check_learning_curve(config: dict, file: str, resources: Path) -> None:
    """Raise BadInput unless the teacher has more observations of each in-sample cell than are to be drawn from them."""
    teacher, fewest = config["teacher"], config["observations"]
    if teacher["engine"] == "recorded":
        counts = read_counts(teacher["recorded"]["counts"], teacher["recorded"]["model"])
        fewest = min(counts[cell][1] for cell in recorded_cells(cells_of(config["splits"][IN_SAMPLE]), resources))
    most = config["learning_curve"]["observations"][-1]
    if most >= fewest:
        raise BadInput(
            f"{file}: learning_curve.observations: {most}, but the teacher has {fewest} of some in-sample cell, and the"
            f" run's own students are taught all of them (allowed: less than {fewest})"
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
                raise BadInput(
                    f"{file}: adapters: {part} is missing (in {folder}: {known}; training.seeds says which are used)"
                )


def _check_disjoint(config: dict, file: str) -> None:
    for name, split in config["splits"].items():
        scaled = [split_rescaling(game) for game in split["games"]]
        if len(set(scaled)) < len(scaled):
            raise BadInput(f"{file}: splits.{name}.games: {', '.join(split['games'])} name a game twice")
    taught = {(split_rescaling(game), context) for game, context in cells_of(config["splits"][IN_SAMPLE])}
    for name in out_of_sample_splits(config["splits"]):
        cells = sorted(cells_of(config["splits"][name]))
        shared = [(game, context) for game, context in cells if (split_rescaling(game), context) in taught]
        if shared:
            game, context = shared[0]
            raise BadInput(
                f"{file}: splits.{name}: {game} in {context} is taught (in_sample), so it is not out of sample"
            )
    spelt: dict = {}
    for name, split in config["splits"].items():
        for game in split["games"]:
            if (known := spelt.setdefault(split_rescaling(game), game)) != game:
                raise BadInput(f"{file}: splits.{name}.games: {game} is {known} of another split (allowed: {known})")


def _check_model(config: dict, role: str, file: str, resources: Path) -> None:
    model = config[role]
    if model["engine"] == "recorded":
        _check_recorded(config, role, file, resources)
    elif model["engine"] == "openai":
        read_key(model["endpoint"]["key_variable"], f"{file}: {role}.endpoint.key_variable")
    elif model["source"] == "folder":
        try:
            check_is_model(model["folder"])
        except BadInput as error:
            raise BadInput(f"{file}: {role}.folder: {error}") from None
    if model["engine"] == "vllm":
        _check_vllm(model, f"{file}: {role}")


def _check_recorded(config: dict, role: str, file: str, resources: Path) -> None:
    recorded = config[role]["recorded"]
    answered = {name: split for name, split in config["splits"].items() if answered_by_teacher(split, config[role])}
    two_by_two, contributions = (
        splits_of_kind(answered, kind, resources) for kind in (game_kinds.CHOICE, game_kinds.NUMBER)
    )
    counts = read_counts(recorded["counts"], recorded["model"])
    cells = sorted(recorded_cells(all_cells(two_by_two), resources))
    require_cells(counts, cells, recorded["counts"], recorded["model"])
    if contributions and "contributions" not in recorded:
        raise BadInput(
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


def _check_vllm(model: dict, where: str) -> None:
    if model["precision"] == "nf4" and not model["gpus"]:
        raise BadInput(
            f"{where}.precision: vLLM serves nf4 on a GPU alone, and gpus is 0"
            " (allowed: float32, bfloat16, source; or gpus: 1)"
        )
    sharing = VllmSettings(**model.get("vllm", {})).tensor_parallel
    if sharing > max(1, model["gpus"]):
        raise BadInput(
            f"{where}.vllm.tensor_parallel: {sharing}, but {where.rpartition(' ')[2]}.gpus is {model['gpus']}"
        )
    require_vllm(f"{where}.engine")
