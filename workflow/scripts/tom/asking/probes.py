"""Probes of what tuning should leave alone: neutral texts, plain instructions, questions on a game's payoffs."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tom.asking.amounts import number
from tom.asking.contexts import Context
from tom.asking.games import Game
from tom.asking.prompts import Elicitation, Messages, render
from tom.asking.variants import ORDERS, asked
from tom.documents import read_checked

TEXT, INSTRUCTION, COMPREHENSION = KINDS = ("text", "instruction", "comprehension")
PAYOFF_QUESTION = "You choose {mine} and the other player chooses {theirs}. How many {unit} do you get? {answer}"
NUMBER, NUMBER_OR_LOSS = "A number alone.", "A number alone, below 0 for a loss."


@dataclass(frozen=True)
class Probe:
    """A prompt and whole replies to it, of which the first is the expected one."""

    kind: str
    name: str
    messages: Messages
    replies: tuple[str, ...]


def load_probes(file: str | Path) -> list[Probe]:
    """The probes of a file, in its order. Errors: BadInput names the file and the key."""
    document = read_checked(file, "probes")
    return [
        Probe(kind, exchange["ask"], [{"role": "user", "content": exchange["ask"]}], (exchange["reply"].strip(),))
        for kind, key in ((TEXT, "texts"), (INSTRUCTION, "instructions"))
        for exchange in document[key]
    ]


def payoff_probes(elicitation: Elicitation, game: Game) -> list[Probe]:
    """What the row player gets, for each outcome and listing order; the other replies are the game's other payoffs.

    The rules are put as the elicitation puts them to a player, without a context.
    """
    payoffs = [number(points) for points in (game.T, game.R, game.P, game.S)]
    answer = NUMBER_OR_LOSS if min(game.T, game.R, game.P, game.S) < 0 else NUMBER
    probes = []
    for variant, mine, theirs in product(asked(list(ORDERS)), (True, False), (True, False)):
        rules, _ = render(elicitation, game, Context("none", ""), variant)
        question = PAYOFF_QUESTION.format(
            mine=variant.label(mine), theirs=variant.label(theirs), unit=elicitation.unit, answer=answer
        )
        right = number(game.points(mine, theirs)[0])
        replies = tuple(dict.fromkeys([right, *payoffs]))
        name = f"{game.name}, {variant.order}: {question}"
        probes.append(Probe(COMPREHENSION, name, [rules, {"role": "user", "content": question}], replies))
    return probes
