"""Free replies to one cell: asked for, read, and kept as they were given, readable or not."""

from dataclasses import asdict

from tom.cells import CellFiles, cell_generator, render_variants, share_out
from tom.choices import questions
from tom.prompts import CHOICE_LAST, load_elicitation, prompt_sha256
from tom.readings import read_choice
from tom.replies import Request
from tom.variants import asked, scored

SEEDS = 2**31


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
    """Observation rows for the asked variants; before them score rows, if the engine knows what a reply begins with."""
    elicitation = load_elicitation(files.elicitation_file)
    fields = fields | {"temperature": temperature, "seed": seed}
    rows = []
    if elicitation.form != CHOICE_LAST:
        asks = questions(files, scored(orders))
        scores = engine.score(asks) or []
        for variant, question, score in zip(scored(orders), asks, scores):
            columns = {"p_cooperate": score.probability(0, temperature), "option_mass": score.option_mass}
            columns |= asdict(variant) | {"prompt_sha256": prompt_sha256(question.messages), "record": "score"}
            rows.append(fields | columns)
    variants = asked(orders)
    requests = []
    for variant, messages, count in zip(
        variants, render_variants(files, variants), share_out(observations, len(variants))
    ):
        names = (fields["model"], fields["game"], fields["context"], *asdict(variant).values())
        own = int(cell_generator(seed, *names).integers(SEEDS))
        requests.append(Request(messages, count, elicitation.max_tokens, temperature, top_p, own))
    number = 0
    for variant, request, replies in zip(variants, requests, engine.reply(requests)):
        actions = {variant.label(True): "cooperate", variant.label(False): "defect"}
        for reply in replies:
            reading = read_choice(reply, elicitation.form, tuple(actions))
            columns = {"action": actions.get(reading.option), "outcome": reading.outcome, "rule": reading.rule}
            columns |= {"raw": reply.text, "finish": reply.finish, "reply_tokens": reply.tokens}
            columns |= asdict(variant) | {"prompt_sha256": prompt_sha256(request.messages), "record": "observation"}
            rows.append(fields | columns | {"observation": number})
            number += 1
    return rows
