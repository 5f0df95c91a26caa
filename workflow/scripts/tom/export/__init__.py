"""A tuned student to take away: its model card, its weights named by a hash, GGUF."""
