"""Anchors: prompts of games that are not taught, in which the student is trained on the base's own answers.

What is taught moves all that shares its weights: a student that was taught letters names other numbers than its base
(docs/findings.md). An anchor asks for a number, and its targets are the base's exact probabilities of each number, so
up to a constant its loss is the Kullback-Leibler divergence of the student from the base. Other games of that kind keep
their answers as far as they are alike. Source: Li and Hoiem, Learning without Forgetting (arXiv 1606.09282).
"""

from pathlib import Path
from statistics import mean

import polars as pl

from tom.core.errors import UserError
from tom.games.kinds import context_folder, load_number_game
from tom.games.names import file_stem
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question
from tom.prompts.prompts import prompt_sha256
from tom.training.batching import Row
from tom.training.examples import TrainingExample, WeightedReply


def anchor_examples(
    shards: list[pl.DataFrame], files: list[Path], taught: list[TrainingExample], weight: float
) -> list[TrainingExample]:
    """One example for each shard of the base. Empty without shards.

    files: of the games, contexts and questions, each in the folder of its kind. weight: the replies that an anchor
    stands for, in units of the mean prompt of `taught`. Errors: UserError if the base was asked by other texts.
    """
    if not shards:
        return []
    by_folder = {(file.parent.name, file.stem): file for file in files}
    whole = weight * mean(sum(reply.count for reply in example.replies) for example in taught)
    return [_anchor(shard.filter(record="score"), by_folder, whole) for shard in shards]


def _anchor(scores: pl.DataFrame, files: dict[tuple[str, str], Path], whole: float) -> TrainingExample:
    name, context, sha256 = scores.select("game", "context", "prompt_sha256").row(0)
    game_file = files["games", file_stem(name)]
    game = load_number_game(game_file, name)
    question = load_question(files["numbers", game.question], game)
    messages = render_question(question, game, load_context(files[context_folder(game_file, name), context]))
    if prompt_sha256(messages) != sha256:
        raise UserError(f"the base's answers to {name} in {context} were asked by other texts; sample them again")
    shares = scores.select("number", "probability").iter_rows()
    replies = tuple(WeightedReply(str(number), whole * share) for number, share in shares if share)
    return TrainingExample(name, context, messages, replies)


def among_groups(anchors: list[list[Row]], groups: list[str]) -> list[Row]:
    """The rows of anchors, each anchor learnt in the step of one of the taught groups, in turn.

    A step of its own would weigh as much as that of all replies to a game, whatever the anchor's weight.
    """
    return [row._replace(group=groups[number % len(groups)]) for number, rows in enumerate(anchors) for row in rows]
