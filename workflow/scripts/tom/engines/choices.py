"""Exact choice probabilities of one cell, and observations drawn from them.

Drawing among the options from their exact probabilities is what structured decoding does token by token,
for one prefill in place of one `generate` for each observation.
"""

from dataclasses import dataclass

import numpy as np

from tom.asking.cells import CellFiles, cell_generator, render_variants, share_out
from tom.asking.prompts import Messages, prompt_sha256
from tom.asking.variants import Variant, asked, scored
from tom.errors import BadInput


@dataclass(frozen=True)
class ChoiceScore:
    """Log-probabilities of a question's options, and how likely a free reply is one of them (see Question.ends)."""

    log_probabilities: tuple[float, ...]
    option_mass: float

    def probability(self, index: int, temperature: float) -> float:
        """Probability of one option among all of them at a temperature; sums to 1 over the options."""
        if not max(self.log_probabilities) > -np.inf:
            raise BadInput(f"the model gives no option a probability (logarithms {self.log_probabilities})")
        own = self.log_probabilities[index]
        # An option against itself is 1, where two that are never given would be infinity less infinity.
        others = [0.0 if one == own else one - own for one in self.log_probabilities]
        return float(1 / np.exp(np.clip(np.array(others) / temperature, -700, 700)).sum())


@dataclass(frozen=True)
class Question:
    """What an engine is asked: a prompt and the options to choose among.

    ends: an option is the whole reply, its end of turn included; else a reply goes on as it likes behind the option.
    """

    messages: Messages
    options: tuple[str, ...]
    ends: bool = False


def questions(files: CellFiles, variants: list[Variant]) -> list[Question]:
    """A question for each variant; the option of cooperation first, whatever the listing order."""
    rendered = render_variants(files, variants)
    return [Question(messages, (v.label(True), v.label(False))) for messages, v in zip(rendered, variants, strict=True)]


def prompt_columns(variant: Variant, messages: Messages) -> dict:
    """The columns that say how a row was asked."""
    return {
        "order": variant.order,
        "cooperation_label": variant.cooperation_label,
        "prompt_sha256": prompt_sha256(messages),
    }


def score_rows(engine, files: CellFiles, orders: list[str], temperature: float, fields: dict) -> dict[Variant, dict]:
    """The score row of each variant, asked ones first; none from an engine that gives no log-probabilities.

    engine: has `score(questions) -> list[ChoiceScore] | None`. fields: columns that all rows share.
    """
    variants = scored(orders)
    asks = questions(files, variants)
    scores = engine.score(asks)
    if scores is None:
        return {}
    return {
        variant: fields
        | prompt_columns(variant, question.messages)
        | {"record": "score", "p_cooperate": score.probability(0, temperature), "option_mass": score.option_mass}
        for variant, question, score in zip(variants, asks, scores, strict=True)
    }


def variant_generator(seed: int, fields: dict, variant: Variant) -> np.random.Generator:
    """The random generator of one cell and model in one variant; fields: `model`, `game` and `context` name it."""
    return cell_generator(
        seed, fields["model"], fields["game"], fields["context"], variant.order, variant.cooperation_label
    )


def observe(
    engine, files: CellFiles, orders: list[str], observations: int, temperature: float, seed: int, fields: dict
) -> list[dict]:
    """Score rows for every variant, then observation rows for the asked ones.

    engine: has `score(questions) -> list[ChoiceScore]`. fields: columns that all rows share; `model`,
    `game` and `context` among them seed the draws.
    """
    fields = fields | {"temperature": temperature, "seed": seed}
    known = score_rows(engine, files, orders, temperature, fields)
    rows = list(known.values())
    number = 0
    wanted = asked(orders)
    for variant, share in zip(wanted, share_out(observations, len(wanted)), strict=True):
        draws = variant_generator(seed, fields, variant).random(share) < known[variant]["p_cooperate"]
        for cooperates in draws.tolist():
            reply = {"raw": variant.label(cooperates), "action": "cooperate" if cooperates else "defect"}
            reply |= {"outcome": "read", "rule": "drawn"}
            rows.append(known[variant] | reply | {"record": "observation", "observation": number})
            number += 1
    return rows
