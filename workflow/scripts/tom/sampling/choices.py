"""Exact choice probabilities of one cell, and observations drawn from them.

Drawing among the options from their exact probabilities is what structured decoding does token by token,
for one prefill in place of one `generate` for each observation.
"""

import numpy as np

from tom.core.random import cell_generator, share_out
from tom.engines.interface import Question
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import Messages, prompt_sha256
from tom.prompts.variants import Variant, asked, scored


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
