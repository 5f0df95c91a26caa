"""Games and their analysis: 2x2 games (game.py, equilibria.py) and games in which players name a number."""
