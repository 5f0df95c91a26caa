"""Parsing: from the text of a reply to the choice that it makes, or why none can be read."""
