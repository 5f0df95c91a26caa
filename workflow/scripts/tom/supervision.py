"""What the loss looks at, decoded back to text: the proof that only replies are learnt."""

from tom.chat import exchange
from tom.lessons import Lesson

SHOWN_PROMPT_TOKENS = 12


def describe_lesson(tokenizer, lesson: Lesson) -> dict:
    """The lesson's prompt end and supervised tokens as text, with token counts and special tokens."""
    rows = [(exchange(tokenizer, lesson.messages, reply), count) for reply, count in lesson.replies]
    prompt = rows[0][0].prompt
    bos = tokenizer.bos_token_id
    return {
        "group": lesson.group,
        "context": lesson.context,
        "prompt_tokens": len(prompt),
        "prompt_ends_with": tokenizer.decode(prompt[-SHOWN_PROMPT_TOKENS:]),
        "begins_with_bos": bool(prompt[0] == bos),
        "replies": [
            {
                "count": count,
                "supervised": tokenizer.decode(row.reply),
                "token_ids": list(row.reply),
                "ends_with_eos": bool(row.reply[-1] == tokenizer.eos_token_id),
            }
            for row, count in rows
        ],
    }


def describe_supervision(tokenizer, lessons: list[Lesson], invalid: int) -> dict:
    """Every lesson described, with the totals over all observations.

    supervised_share: supervised tokens over all tokens, as separate rows would have them.
    """
    described = [describe_lesson(tokenizer, lesson) for lesson in lessons]
    supervised = sum(len(reply["token_ids"]) * reply["count"] for row in described for reply in row["replies"])
    observations = sum(reply["count"] for row in described for reply in row["replies"])
    prompts = sum(row["prompt_tokens"] * reply["count"] for row in described for reply in row["replies"])
    return {
        "bos_token": tokenizer.bos_token,
        "eos_token": tokenizer.eos_token,
        "observations": observations,
        "unreadable_observations_left_out": invalid,
        "supervised_tokens": supervised,
        "supervised_share": supervised / (supervised + prompts),
        "lessons": described,
    }
