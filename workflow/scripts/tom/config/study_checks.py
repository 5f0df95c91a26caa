"""Whether a study can be run on a config (tom/config/studies.py): what it asks of teacher, texts and training."""

from pathlib import Path

from tom.config.study import (
    IN_SAMPLE,
    cells_of,
    games_of,
    recorded_observations,
    rewordings,
)
from tom.config.text_checks import check_meanings, check_split, form_of
from tom.core.errors import UserError
from tom.engines.registry import engine_names
from tom.games.names import is_member, members
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST, load_prompt_format
from tom.prompts.variants import ORDERS
from tom.training.recipe import LABEL, ORIGINAL, TARGETS


def check_live_teacher(config: dict, file: str, resources: Path) -> None:
    """Raise UserError for a teacher that reads no prompts, and for a format that says more than the games have."""
    if (engine := config["teacher"]["engine"]) in ("recorded", "computed"):
        live = [*engine_names(), "openai"]
        raise UserError(f"{file}: teacher.engine: a {engine} teacher reads no prompts (allowed: {', '.join(live)})")
    in_sample = config["splits"][IN_SAMPLE]
    games = {IN_SAMPLE: check_split(in_sample, IN_SAMPLE, f"{file}: splits.{IN_SAMPLE}", resources)}
    for name in config["compared_prompt_formats"]:
        check_meanings(name, games, f"{file}: compared_prompt_formats", resources)


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


def check_labels(config: dict, file: str, resources: Path) -> None:
    """Raise UserError unless a reply begins with the choice: labels are scored as the beginning of a reply."""
    if form_of(config, resources) == CHOICE_LAST:
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
        fewest = min(recorded_observations(cells, teacher.get("recorded", {}), resources).values())
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
    if named := [game for game in config["splits"][IN_SAMPLE]["games"] if not is_member(game)]:
        raise UserError(
            f"{file}: splits.{IN_SAMPLE}.games: {named[0]} is no game of a set, and `snakemake breadth` trains students"
            " on more and more games of one (allowed: such as drawn-0..255, as in config/breadth.yaml)"
        )
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
