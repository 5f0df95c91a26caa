"""Where a function of numbers is largest."""


def largest(values: dict[int, float]) -> list[int]:
    """The keys of the largest value; values that differ by rounding alone are equal."""
    most = max(values.values())
    return [key for key, value in values.items() if most - value <= 1e-9 * max(1.0, abs(most))]
