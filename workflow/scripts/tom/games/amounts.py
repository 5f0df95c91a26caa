"""Payoffs in words: points, with losses spelled out, and dollars."""

from decimal import Decimal


def number(amount: float) -> str:
    """`10`, `2.5`, `-3`, `0.00001`: up to 12 significant digits, without an exponent."""
    return f"{Decimal(f'{amount:.12g}'):f}"


def points(amount: float) -> str:
    """Points, as they precede `for you`: `2.5`, `a loss of 3`."""
    return f"a loss of {number(-amount)}" if amount < 0 else number(amount)


def dollars(amount: float) -> str:
    """A nonnegative amount: `$10`, `$2.50`. Further decimals are kept."""
    text = number(amount)
    decimals = len(text.partition(".")[2])
    return f"${text}0" if decimals == 1 else f"${text}"


def result(amount: float) -> str:
    """A payoff in dollars, as it follows `you` or `they`: `get $2.50`, `lose $3`, `get nothing`."""
    if amount == 0:
        return "get nothing"
    return f"lose {dollars(-amount)}" if amount < 0 else f"get {dollars(amount)}"
