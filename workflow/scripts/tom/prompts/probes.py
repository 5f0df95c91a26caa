"""Probes of abilities that tuning should not change: neutral texts, instructions, and questions about payoffs."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tom.core.yaml_files import read_checked
from tom.games.amounts import number
from tom.games.game import Game
from tom.prompts.contexts import Context
from tom.prompts.prompts import Messages, PromptFormat, render
from tom.prompts.variants import ORDERS, asked

TEXT, INSTRUCTION, COMPREHENSION = KINDS = ("text", "instruction", "comprehension")
PAYOFF_QUESTION = "You choose {mine} and the other player chooses {theirs}. How many {unit} do you get? {answer}"
NUMBER, NUMBER_OR_LOSS = "A number alone.", "A number alone, below 0 for a loss."


@dataclass(frozen=True)
class Probe:
    """A prompt and complete replies to it, of which the first is the expected one."""

    kind: str
    name: str
    messages: Messages
    replies: tuple[str, ...]


def load_probes(file: str | Path) -> list[Probe]:
    """The probes in a file: texts, then instructions. Errors: UserError names the file and the key."""
    document = read_checked(file, "probes")
    return [
        Probe(kind, exchange["ask"], [{"role": "user", "content": exchange["ask"]}], (exchange["reply"].strip(),))
        for kind, key in ((TEXT, "texts"), (INSTRUCTION, "instructions"))
        for exchange in document[key]
    ]


def payoff_probes(prompt_format: PromptFormat, game: Game) -> list[Probe]:
    """Questions for the row player's payoff, one for each outcome and option order.

    The wrong replies are the game's other payoffs. The rules are worded as in the prompt format, without a context.
    """
    payoffs = [number(points) for points in (game.T, game.R, game.P, game.S)]
    answer = NUMBER_OR_LOSS if min(game.T, game.R, game.P, game.S) < 0 else NUMBER
    probes = []
    for variant, mine, theirs in product(asked(list(ORDERS)), (True, False), (True, False)):
        rules, _ = render(prompt_format, game, Context("none", ""), variant)
        question = PAYOFF_QUESTION.format(
            mine=variant.label(mine), theirs=variant.label(theirs), unit=prompt_format.unit, answer=answer
        )
        right = number(game.points(mine, theirs)[0])
        replies = tuple(dict.fromkeys([right, *payoffs]))
        name = f"{game.name}, {variant.order}: {question}"
        probes.append(Probe(COMPREHENSION, name, [rules, {"role": "user", "content": question}], replies))
    return probes
