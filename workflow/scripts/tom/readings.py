"""Reading a reply: which choice it makes, by which rule, or why none can be read."""

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""What became of a reply; only `read` ones have an action. None is ever redrawn or guessed."""
