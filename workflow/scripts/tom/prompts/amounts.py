"""Payoffs as people write them: points with their losses in words, and money."""

from decimal import Decimal


def number(amount: float) -> str:
    """`10`, `2.5`, `-3`, `0.00001`: as many digits as it needs, 12 that count at most, and never an exponent."""
    return f"{Decimal(f'{amount:.12g}'):f}"


def points(amount: float) -> str:
    """What goes before `for you`: `2.5`, `a loss of 3`."""
    return f"a loss of {number(-amount)}" if amount < 0 else number(amount)


def dollars(amount: float) -> str:
    """An amount from 0 up: `$10`, `$2.50`; more than two decimals where there are such."""
    text = number(amount)
    decimals = len(text.partition(".")[2])
    return f"${text}0" if decimals == 1 else f"${text}"


def result(amount: float) -> str:
    """What follows `you` or `they`: `get $2.50`, `lose $3`, `get nothing`."""
    if amount == 0:
        return "get nothing"
    return f"lose {dollars(-amount)}" if amount < 0 else f"get {dollars(amount)}"
