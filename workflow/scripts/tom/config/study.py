"""What a run is about, read from its config: splits and their cells. tom/config/checks.py says whether it can start."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

from tom.core.errors import UserError
from tom.games import kinds as game_kinds
from tom.games.game import table_of
from tom.games.kinds import load_number_game
from tom.games.names import blocks, file_stem, is_member, members
from tom.games.rescaling import Rescaling, split_rescaling
from tom.prompts.contexts import load_context
from tom.sampling.recorded import read_answers, read_counts, require_cells
from tom.sampling.recorded_replies import read_replies
from tom.training.recipe import BOTH

IN_SAMPLE = "in_sample"
HELD_OUT = "held_out"
HELD_OUT_REWORDED = "held_out_reworded"

PAPER_SPLITS = {
    IN_SAMPLE: IN_SAMPLE,
    "out_of_sample_contexts": "out_of_sample_context",
    "doubled_payoffs": "doubled_payoffs",
}
"""The default config's name of a split → the name in the paper's published counts."""

Splits = dict[str, dict]
"""Name → its games and contexts."""


def games_of(split: dict) -> list[str]:
    """The games of a split as shards hold them: each range of a game set's members is cut into blocks."""
    return blocks(split["games"])


def cells_of(split: dict) -> list[tuple[str, str]]:
    """The (game, context) pairs of a split, one a shard: a block of a game set stands for all its members."""
    return [(game, context) for context in split["contexts"] for game in games_of(split)]


def member_cells(cells: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same with each member of a block by itself."""
    return [(member, context) for game, context in cells for member in members(game)]


class TrainingSize(NamedTuple):
    """What a student learns in an epoch. groups: of prompts of one game that begin alike. replies: at most, since
    unreadable ones are left out. drawn: of the prompts, where an epoch does not have all of them."""

    groups: int
    prompts: int
    replies: int
    drawn: int


def training_size(config: dict) -> TrainingSize:
    """The size of the training of the config's own student."""
    split, training = config["splits"][IN_SAMPLE], config["training"]
    contexts = len(split["contexts"]) + len(training["uniform_target_contexts"])
    games = sum(len(members(game)) for game in games_of(split))
    variants = len(training["option_orders"]) * len(training["label_pairs"]) * (1 + (training["label_mapping"] == BOTH))
    drawn = min(variants, training["variants_per_epoch"] or variants)
    anchors = len(training["anchor_games"]) * len(training["anchor_contexts"])
    prompts = games * contexts * variants
    # A recorded teacher was asked in one order, and its replies are learnt in all.
    asked = 1 if config["teacher"]["engine"] == "recorded" else len(config["option_orders"])
    replies = prompts * ceil(config["observations"] / asked)
    return TrainingSize(games * variants, prompts + anchors, replies, games * contexts * drawn + anchors)


def in_sample_first(splits: Iterable[str]) -> list[str]:
    """Names of splits in the order that people read them in."""
    return sorted(splits, key=lambda split: (split != IN_SAMPLE, split))


def out_of_sample_splits(splits: Splits) -> list[str]:
    """Names of the splits that are never taught."""
    return sorted(set(splits) - {IN_SAMPLE})


def game_file(game: str, resources: Path) -> Path:
    """The file that a game's name belongs to."""
    return resources / "games" / f"{file_stem(game)}.yaml"


def game_table(game: str, resources: Path) -> Path | None:
    """The table that a game set is read from; None for any other game."""
    return _table_of(game_file(game, resources))


@cache
def _table_of(file: Path) -> Path | None:
    table = table_of(file) if game_kinds.kind_of(file) == game_kinds.CHOICE else None
    return Path(table) if table else None


def context_folder(game: str, resources: Path) -> Path:
    """The folder of contexts for as many players as the game has."""
    return resources / game_kinds.context_folder(game_file(game, resources), game)


def question_file(game: str, resources: Path) -> Path:
    """The file that asks for a number in this game."""
    return resources / "numbers" / f"{load_number_game(game_file(game, resources), game).question}.yaml"


def splits_of_kind(splits: Splits, kind: str, resources: Path) -> Splits:
    """The splits whose games are of a kind (tom/games/kinds.py), in their order; each split has one kind."""
    return {
        name: split
        for name, split in splits.items()
        if game_kinds.kind_of(game_file(split["games"][0], resources)) == kind
    }


def answered_by_teacher(split: dict, teacher: dict) -> bool:
    """Whether a teacher, by its section of the config, answers in a split: a live one does in each."""
    return teacher["engine"] not in ("recorded", "computed") or split.get("recorded", True)


def recorded_context(context: str, resources: Path) -> str:
    """The context whose recorded choices stand for this one's: a paraphrase has its original's."""
    return load_context(resources / "contexts" / f"{context}.yaml").recorded_as


def behaviour_file(teacher: dict, resources: Path) -> Path:
    """The file of a computed teacher's behavioural model."""
    return resources / "behaviours" / f"{teacher['computed']['behaviour']}.yaml"


def rewordings(contexts: list[str], resources: Path) -> dict[str, list[str]]:
    """The same situation in other words: each context → those that tell it and are none of these.

    A context that shares its situation with another of these has none: a student trained on the other has met it.
    """
    situations = {path.stem: load_context(path).recorded_as for path in sorted((resources / "contexts").glob("*.yaml"))}
    taught = [situations[context] for context in contexts]
    return {
        context: [
            name
            for name in situations
            if situations[name] == situations[context] and name != context and taught.count(situations[name]) == 1
        ]
        for context in contexts
    }


def recorded_observations(
    cells: Iterable[tuple[str, str]], recorded: dict, resources: Path
) -> dict[tuple[str, str], int]:
    """Cell → observations of a recorded teacher; members of game sets, whose tables hold them, included.

    cells: (game, context). recorded: the teacher's section of the config, empty where only tables of game sets answer.
    Errors: UserError for a cell without any.
    """
    cells, replies = list(cells), read_replies(recorded["replies"]) if "replies" in recorded else {}
    original = {context: recorded_context(context, resources) for context in {context for _, context in cells}}
    found, published = {}, []
    for game, context in cells:
        if is_member(game):
            answers = read_answers(game_file(game, resources), game, original[context])
            found |= {(name, original[context]): observations for name, (_, observations) in answers.items()}
        elif (cell := (game, original[context])) in replies:
            found[cell] = len(replies[cell])
        else:
            published.append((game, original[context]))
    if published and "counts" not in recorded:
        game, context = published[0]
        raise UserError(
            f"{game} in {context}: a recorded teacher needs counts there (allowed: teacher.recorded, or members of a"
            " game set whose table has answers)"
        )
    if published:
        counts = read_counts(recorded["counts"], recorded["model"])
        require_cells(counts, sorted(set(published)), recorded["counts"], recorded["model"])
        found |= {cell: counts[cell][1] for cell in published}
    return found


def all_cells(splits: Splits) -> list[tuple[str, str]]:
    """Every cell of some splits, once."""
    return sorted({cell for split in splits.values() for cell in cells_of(split)})


def curve_cells(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (game, context) of every game that has several payoffs, in the contexts that all of these were asked in."""
    contexts = _common_contexts(cells)
    return [(game, context) for game, context in cells if context in contexts.get(split_rescaling(game)[0], ())]


def games_without_curve(cells: list[tuple[str, str]]) -> list[str]:
    """Games that were asked at several payoffs, but in no context at all of these."""
    return sorted(stem for stem, contexts in _common_contexts(cells).items() if not contexts)


def _common_contexts(cells: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Game with several payoffs → the contexts that all of these were asked in."""
    asked: dict[str, dict[Rescaling, set[str]]] = defaultdict(lambda: defaultdict(set))
    for game, context in cells:
        stem, rescaling = split_rescaling(game)
        asked[stem][rescaling].add(context)
    return {stem: set.intersection(*points.values()) for stem, points in asked.items() if len(points) > 1}
