"""Prompts: contexts, prompt formats, variants, and their rendering as chat messages and token ids."""
