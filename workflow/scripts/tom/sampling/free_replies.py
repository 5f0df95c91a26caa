"""Free replies to one cell: asked for, read, and kept as they were given, readable or not."""

from tom.core.random import share_out
from tom.engines.interface import Reply, Request
from tom.parsing.choice_readings import read_choice
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import CHOICE_LAST, load_prompt_format
from tom.prompts.variants import Variant, asked
from tom.sampling.choices import prompt_columns, score_rows, variant_generator

SEEDS = 2**31  # what every engine and every provider takes for a seed


def observe_replies(
    engine,
    files: CellFiles,
    orders: list[str],
    observations: int,
    temperature: float,
    top_p: float,
    seed: int,
    fields: dict,
) -> list[dict]:
    """Observation rows for the asked variants; before them score rows, if a reply begins with its choice.

    A score row then gives the exact probability that a reply begins with either option, in every variant as
    tom/sampling/choices.py has it; top_p cuts nothing off these. Where the reasons come first no such probability
    exists.

    engine: has `reply(requests) -> list[list[Reply]]`, and `score(questions) -> list[ChoiceScore]`. fields: columns
    that all rows share; `model`, `game` and `context` among them seed the replies.
    """
    prompt_format = load_prompt_format(files.prompt_format_file)
    fields = fields | {"temperature": temperature, "top_p": top_p, "seed": seed}
    rows = []
    if prompt_format.form != CHOICE_LAST:
        rows += score_rows(engine, files, orders, temperature, fields).values()
    shares = dict(zip(asked(orders), share_out(observations, len(orders)), strict=True))
    variants = [variant for variant, share in shares.items() if share]
    requests = [
        Request(
            messages=messages,
            count=shares[variant],
            max_tokens=prompt_format.max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=int(variant_generator(seed, fields, variant).integers(SEEDS)),
        )
        for variant, messages in zip(variants, render_variants(files, variants), strict=True)
    ]
    replied = [
        fields | prompt_columns(variant, request.messages) | reply_columns(reply, prompt_format.form, variant)
        for variant, request, replies in zip(variants, requests, engine.reply(requests), strict=True)
        for reply in replies
    ]
    return rows + [row | {"record": "observation", "observation": number} for number, row in enumerate(replied)]


def reply_columns(reply: Reply, form: str, variant: Variant) -> dict:
    """One reply as the columns of an observation row; its action is null unless it could be read."""
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
