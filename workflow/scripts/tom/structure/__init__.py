"""What a game's payoffs say of it, before anyone plays."""
