"""What the loss looks at, decoded back to text: the proof that only replies are learnt."""

from tom.prompts.chat import exchange, prompt_ids
from tom.training.examples import TrainingExample

SHOWN_PROMPT_TOKENS = 12
SHOWN_REPLIES = 8


def describe_example(tokenizer, example: TrainingExample) -> dict:
    """The example's prompt end and its first replies' supervised tokens as text, with counts over all its replies."""
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
                "ends_with_eos": bool(row.reply[-1] == tokenizer.eos_token_id),
            }
            for row, count in rows[:SHOWN_REPLIES]
        ],
    }


def describe_loss(
    tokenizer, examples: list[TrainingExample], invalid: int, uniform_target_contexts: frozenset[str] = frozenset()
) -> dict:
    """Every example described, with the totals over all observations.

    uniform_target_contexts: contexts where chance is taught, whose replies are nobody's observations. supervised_share: supervised
    tokens over all tokens, as separate rows would have them.
    """
    described = [describe_example(tokenizer, example) for example in examples]
    supervised, given = (sum(example[key] for example in described) for key in ("supervised_tokens", "given_tokens"))
    return {
        "bos_token": tokenizer.bos_token,
        "eos_token": tokenizer.eos_token,
        "observations": sum(
            example["observations"] for example in described if example["context"] not in uniform_target_contexts
        ),
        "replies_of_a_chance": sum(
            example["observations"] for example in described if example["context"] in uniform_target_contexts
        ),
        "contexts_of_a_chance": sorted(uniform_target_contexts),
        "unreadable_observations_left_out": invalid,
        "supervised_tokens": supervised,
        "supervised_share": supervised / (supervised + given),
        "examples": described,
    }
