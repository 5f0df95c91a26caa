"""Games in which a player names a whole number: what it may name, and what everybody then gets."""
