"""A report of what the loss sees, decoded back to text, to show that only replies are learnt."""

from collections.abc import Sequence

from tom.prompts.chat import exchange, prompt_ids
from tom.prompts.templates import template_of
from tom.training.examples import TrainingExample

SHOWN_PROMPT_TOKENS = 12
SHOWN_REPLIES = 8


def describe_example(tokenizer, example: TrainingExample) -> dict:
    """The end of the example's prompt and the supervised tokens of its first replies, as text.

    The counts cover all replies of the example, not only those shown.
    """
    prompt = prompt_ids(tokenizer, example.messages)
    rows = [
        (exchange(tokenizer, example.messages, reply.text, reply.ends, reply.given), reply.count)
        for reply in example.replies
    ]
    return {
        "group": example.group,
        "context": example.context,
        "prompt_tokens": len(prompt),
        "prompt_ends_with": tokenizer.decode(prompt[-SHOWN_PROMPT_TOKENS:]),
        "begins_with_bos": bool(prompt[0] == tokenizer.bos_token_id),
        "observations": sum(count for _, count in rows),
        "supervised_tokens": sum(len(row.reply) * count for row, count in rows),
        "given_tokens": sum(len(row.prompt) * count for row, count in rows),
        "distinct_replies": len(rows),
        "replies": [
            {
                "count": count,
                "given": tokenizer.decode(row.prompt[len(prompt) :]),
                "supervised": tokenizer.decode(row.reply),
                "token_ids": list(row.reply),
                "ends_with_eos": row.reply[-1] in template_of(tokenizer).ends,
            }
            for row, count in rows[:SHOWN_REPLIES]
        ],
    }


def describe_loss(
    tokenizer,
    examples: list[TrainingExample],
    invalid: int,
    uniform_target_contexts: frozenset[str] = frozenset(),
    anchors: Sequence[TrainingExample] = (),
) -> dict:
    """Describe every example, with totals over all observations.

    invalid: the number of unreadable replies, which were left out. uniform_target_contexts: contexts whose targets are
    uniform; their replies are not observations and are counted separately, as are those of anchors. The supervised
    share is that of supervised tokens in all tokens if every observation were a row of its own.
    """
    described = [describe_example(tokenizer, example) for example in examples]
    supervised, given = (sum(example[key] for example in described) for key in ("supervised_tokens", "given_tokens"))
    return {
        "bos_token": tokenizer.bos_token,
        "eos_token": tokenizer.eos_token,
        "observations": sum(
            example["observations"] for example in described if example["context"] not in uniform_target_contexts
        ),
        "uniform_target_replies": sum(
            example["observations"] for example in described if example["context"] in uniform_target_contexts
        ),
        "uniform_target_contexts": sorted(uniform_target_contexts),
        **({"anchor_replies": sum(reply.count for example in anchors for reply in example.replies)} if anchors else {}),
        "unreadable_observations_left_out": invalid,
        "supervised_tokens": supervised,
        "supervised_share": supervised / (supervised + given),
        "examples": described,
        **({"anchors": [describe_example(tokenizer, example) for example in anchors]} if anchors else {}),
    }
