"""Games: payoffs, rescaling, equilibria and dominance, for 2x2 games and for games in which a number is named."""
