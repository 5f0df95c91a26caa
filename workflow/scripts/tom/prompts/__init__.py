"""Prompts: contexts, prompt formats, and the messages that a player reads."""
