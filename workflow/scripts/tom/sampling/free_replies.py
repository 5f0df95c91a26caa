"""The procedure `free_replies`: replies to one cell, read, and kept as given whether readable or not."""

from tom.core.random import share_out
from tom.engines.interface import SEEDS, Engine, Reply, Request
from tom.parsing.choice_readings import read_choice
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import CHOICE_LAST, load_prompt_format
from tom.prompts.variants import Variant, asked
from tom.sampling import shards
from tom.sampling.choices import prompt_columns, score_rows, variant_generator
from tom.sampling.procedures import SamplingSettings

COLUMNS = shards.COLUMNS


def observe(engine: Engine, files: CellFiles, settings: SamplingSettings, fields: dict) -> list[dict]:
    """Observation rows for the asked variants; before them score rows, unless the reasons come before the choice.

    A score row gives the exact probability that a reply begins with either option, in every variant, as in
    tom/sampling/choices.py; top_p has no part in it.
    """
    prompt_format = load_prompt_format(files.prompt_format_file)
    fields = fields | {"temperature": settings.temperature, "top_p": settings.top_p, "seed": settings.seed}
    rows = []
    if prompt_format.form != CHOICE_LAST:
        rows += score_rows(engine, files, settings, fields).values()
    wanted = asked(settings.option_orders)
    shares = dict(zip(wanted, share_out(settings.observations, len(wanted)), strict=True))
    variants = [variant for variant, share in shares.items() if share]
    requests = [
        Request(
            messages=messages,
            count=shares[variant],
            max_tokens=prompt_format.max_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=int(variant_generator(settings.seed, fields, variant).integers(SEEDS)),
        )
        for variant, messages in zip(variants, render_variants(files, variants), strict=True)
    ]
    replied = []
    for variant, request, replies in zip(variants, requests, engine.reply(requests), strict=True):
        asking = prompt_columns(engine, variant, request.messages, fields.get("template"))
        replied += [fields | asking | reply_columns(reply, prompt_format.form, variant) for reply in replies]
    return rows + [row | {"record": "observation", "observation": number} for number, row in enumerate(replied)]


def reply_columns(reply: Reply, form: str, variant: Variant) -> dict:
    """One reply as the columns of an observation row; its action is null if it could not be read."""
    actions = {variant.label(True): "cooperate", variant.label(False): "defect"}
    reading = read_choice(reply, form, tuple(actions))
    return {
        "raw": reply.text,
        "action": actions.get(reading.option),
        "outcome": reading.outcome,
        "rule": reading.rule,
        "finish": reply.finish,
        "reply_tokens": reply.tokens,
    }
