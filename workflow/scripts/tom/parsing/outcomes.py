"""Why the text of a reply ended, and whether a choice could be read from it."""

FINISHES = ("stop", "length")
"""Why a reply ended: at an end-of-turn token, or at the limit of its length."""

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""Only a reply that was `read` has an action. Other replies are neither redrawn nor guessed."""

UNREADABLE = OUTCOMES[1:]
"""The reasons why a reply has no action."""

NO_REPLY = {"content_filter": "refused", "tool_calls": "off_format"}
"""How else an endpoint's reply can end → its outcome: what came was withheld in part or whole, or is a call of a tool.

Its text is not read; the rule has the end's name, and a shard's `finish` is null.
"""
