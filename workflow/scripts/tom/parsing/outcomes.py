"""What became of a reply: why its text ended, and whether a choice could be read in it."""

FINISHES = ("stop", "length")
"""Why a reply ended: of its own accord, or because it reached its longest length."""

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""Only a reply that was `read` has an action. None is ever redrawn or guessed."""

UNREADABLE = OUTCOMES[1:]
"""Why a reply has no action."""
