"""What a player reads: games, contexts, prompts and cells."""
