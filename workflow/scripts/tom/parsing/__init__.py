"""Parsing: from the text of a reply to the choice or the number in it, or the reason why there is none."""
