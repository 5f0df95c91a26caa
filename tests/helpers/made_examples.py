"""Fine-tuning examples made up for tests: nothing but prompts and a teacher's replies, as such tables are published."""

from itertools import product

GAMES = {"prisoners_dilemma": "10, 5, 3 and 2 points", "stag_hunt": "5, 10, 3 and 2 points"}
CONTEXTS = {"business": "You run a company.", "friendship": "You meet a friend."}
TEXTS = {"games": GAMES, "contexts": CONTEXTS}
"""What names a game or a context in the prompt of an example."""
FIELDS = {"reply": "output", "game": "instruction", "context": "instruction"}


def made_examples(letters: str = "CCD?") -> list[dict]:
    """An example for each letter in each cell of GAMES and CONTEXTS; `?`: a reply that names no choice."""
    return [
        {"instruction": f"{situation}\nThe outcomes are worth\n{payoffs}.", "input": ""}
        | {"output": f"{letter}. Reason {number} of {game} in {context}." if letter != "?" else "Who can say?"}
        for (game, payoffs), (context, situation) in product(GAMES.items(), CONTEXTS.items())
        for number, letter in enumerate(letters)
    ]
