"""What a scale in a game's name does to dollars that must stay whole."""

from tom.asking.rescaling import split_rescaling
from tom.errors import BadInput


def scaled_dollars(name: str, *amounts: int) -> tuple[int, ...]:
    """Each amount times the scale in the game's name. Errors: BadInput for a shift, or cents."""
    _, rescaling = split_rescaling(name)
    if rescaling.shift:
        raise BadInput(f"game '{name}': what is at stake is not shifted (allowed: a scale, such as -x2)")
    scaled = [rescaling.of(amount) for amount in amounts]
    if cents := [amount for amount in scaled if not amount.is_integer()]:
        raise BadInput(f"game '{name}': {cents[0]:g} dollars are no whole number (allowed: a scale that leaves one)")
    return tuple(map(int, scaled))
