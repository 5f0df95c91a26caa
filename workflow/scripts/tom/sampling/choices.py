"""The procedure `choices`: exact probabilities of a cell's options, and observations drawn from them.

The draws are distributed as those of structured decoding, which would take one `generate` for each observation; these
take one prefill.
"""

import numpy as np

from tom.core.random import cell_generator, share_out
from tom.engines.interface import Engine, Question
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import Messages, prompt_sha256
from tom.prompts.variants import LABELS, Variant, load_labels, scored
from tom.sampling import shards
from tom.sampling.procedures import SamplingSettings

COLUMNS = shards.COLUMNS


def questions(files: CellFiles, variants: list[Variant]) -> list[Question]:
    """A question for each variant; cooperation is its first option in either listing order."""
    rendered = render_variants(files, variants)
    return [Question(messages, (v.label(True), v.label(False))) for messages, v in zip(rendered, variants, strict=True)]


def prompt_columns(engine: Engine, variant: Variant, messages: Messages, template: str | None = None) -> dict:
    """The columns that say how a row was asked. template: what the config says of the chat template, as JSON."""
    return {
        "order": variant.order,
        "cooperation_label": variant.cooperation_label,
        "prompt_sha256": prompt_sha256(messages, template),
        "tokens_sha256": engine.tokens_sha256(messages),
    }


def score_rows(engine: Engine, files: CellFiles, settings: SamplingSettings, fields: dict) -> dict[Variant, dict]:
    """The score row of each variant, asked ones first; none from an engine that gives no log-probabilities.

    fields: columns that all rows share. Errors: UserError if the engine gives no option a probability.
    """
    labels = load_labels(settings.labels_file) if settings.labels_file else LABELS
    variants = scored(settings.option_orders, labels)
    asks = questions(files, variants)
    scores = engine.score(asks)
    if scores is None:
        return {}
    return {
        variant: fields
        | prompt_columns(engine, variant, question.messages, fields.get("template"))
        | {"record": "score", "option_mass": score.option_mass}
        | {"p_cooperate": score.probability(0, settings.temperature)}
        for variant, question, score in zip(variants, asks, scores, strict=True)
    }


def variant_generator(seed: int, fields: dict, variant: Variant) -> np.random.Generator:
    """The random generator of one cell and model in one variant; fields: `model`, `game` and `context` name it."""
    return cell_generator(
        seed, fields["model"], fields["game"], fields["context"], variant.order, variant.cooperation_label
    )


def observe(engine: Engine, files: CellFiles, settings: SamplingSettings, fields: dict) -> list[dict]:
    """Score rows for every variant, then observation rows for the asked ones (see tom/sampling/procedures.py)."""
    fields = fields | {"temperature": settings.temperature, "seed": settings.seed}
    known = score_rows(engine, files, settings, fields)
    return [*known.values(), *drawn_rows(known, settings.observations, settings.seed)]


def drawn_rows(known: dict[Variant, dict], observations: int, seed: int) -> list[dict]:
    """Observation rows drawn from the score rows of variants whose labels have their own meaning, in equal shares."""
    rows = []
    wanted = [variant for variant in known if variant.cooperation_label == variant.labels[0]]
    for variant, share in zip(wanted, share_out(observations, len(wanted)), strict=True):
        score = known[variant]
        for cooperates in (variant_generator(seed, score, variant).random(share) < score["p_cooperate"]).tolist():
            reply = {"raw": variant.label(cooperates), "action": "cooperate" if cooperates else "defect"}
            reply |= {"outcome": "read", "rule": "drawn"}
            rows.append(score | reply | {"record": "observation", "observation": len(rows)})
    return rows
