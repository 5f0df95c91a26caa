"""What became of a reply.

Apart from tom/reading/readings.py, so that an edit of how replies are read reruns only what reads them.
"""

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""Only a reply that was `read` has an action. None is ever redrawn or guessed."""

UNREADABLE = OUTCOMES[1:]
"""Why a reply has no action."""
