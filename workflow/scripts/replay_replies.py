"""Write the shard of a recorded teacher whose replies are known: those of one cell, read as any other model's.

python workflow/scripts/replay_replies.py --settings '{"file": "replies.json", "fields": {"reply": "output"}}' \
    --recorded-as C --form choice_then_motivation --model teacher --game G --context C --prompt-format P \
    --output S.parquet
"""

import argparse
import json
import sys

from tom.core.errors import run_main
from tom.engines.interface import Reply
from tom.prompts.prompts import FORMS
from tom.prompts.variants import PAPER_VARIANT, Variant
from tom.sampling.free_replies import reply_columns
from tom.sampling.recorded_replies import GivenReply, read_replies, require_replies
from tom.sampling.shards import add_shard_flags, shared_columns, write_shard


def observe(given: list[GivenReply], form: str, fields: dict) -> list[dict]:
    """Observation rows of one cell's replies. form: of the prompt format; fields: columns that all rows share."""
    rows = []
    for number, reply in enumerate(given):
        variant = Variant(reply.order, PAPER_VARIANT.cooperation_label)
        read = reply_columns(Reply(reply.text, reply.finish or "stop", None), form, variant) | {"finish": reply.finish}
        asked = {"order": variant.order, "cooperation_label": variant.cooperation_label}
        rows.append(fields | asked | read | {"record": "observation", "observation": number, "engine": "recorded"})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="teacher.recorded.replies of the config, JSON"
    )
    parser.add_argument("--recorded-as", required=True, help="the context that the replies were given in")
    parser.add_argument("--form", choices=FORMS, required=True, help="what a reply holds")
    add_shard_flags(parser)
    arguments = parser.parse_args()

    cell = (arguments.game, arguments.recorded_as)
    replies = read_replies(arguments.settings)
    require_replies(replies, [cell], arguments.settings["file"], "--game")
    fields = shared_columns(arguments)
    rows = observe(replies[cell], arguments.form, fields)
    write_shard(arguments.output, rows)
    if unread := sum(row["action"] is None for row in rows):
        print(f"{unread} of {len(rows)} replies can't be read", file=sys.stderr)


if __name__ == "__main__":
    run_main(main)
