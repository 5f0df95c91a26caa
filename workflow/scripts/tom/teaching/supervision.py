"""What the loss looks at, decoded back to text: the proof that only replies are learnt."""

from tom.asking.chat import exchange, prompt_ids
from tom.teaching.lessons import Lesson

SHOWN_PROMPT_TOKENS = 12
SHOWN_REPLIES = 8


def describe_lesson(tokenizer, lesson: Lesson) -> dict:
    """The lesson's prompt end and its first replies' supervised tokens as text, with counts over all its replies."""
    prompt = prompt_ids(tokenizer, lesson.messages)
    rows = [
        (exchange(tokenizer, lesson.messages, reply.text, reply.ends, reply.given), reply.count)
        for reply in lesson.replies
    ]
    return {
        "group": lesson.group,
        "context": lesson.context,
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


def describe_supervision(
    tokenizer, lessons: list[Lesson], invalid: int, unanswered: frozenset[str] = frozenset()
) -> dict:
    """Every lesson described, with the totals over all observations.

    unanswered: contexts where a coin is taught, whose replies are nobody's observations. supervised_share: supervised
    tokens over all tokens, as separate rows would have them.
    """
    described = [describe_lesson(tokenizer, lesson) for lesson in lessons]
    supervised, given = (sum(lesson[key] for lesson in described) for key in ("supervised_tokens", "given_tokens"))
    return {
        "bos_token": tokenizer.bos_token,
        "eos_token": tokenizer.eos_token,
        "observations": sum(lesson["observations"] for lesson in described if lesson["context"] not in unanswered),
        "replies_of_a_coin": sum(lesson["observations"] for lesson in described if lesson["context"] in unanswered),
        "contexts_of_a_coin": sorted(unanswered),
        "unreadable_observations_left_out": invalid,
        "supervised_tokens": supervised,
        "supervised_share": supervised / (supervised + given),
        "lessons": described,
    }
