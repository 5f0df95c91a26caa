"""Values as they stand in the page's cells."""

NOTHING = "–"
"""For a value that is not there."""


def shown(value: object) -> str:
    """A cell's text: numbers to three places, or fewer where they are large; null as a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _rounded(value) if isinstance(value, float) else str(value)


def _rounded(number: float) -> str:
    """0.12345 → `0.123`, 123.45 → `123.5`; what would round to 0 keeps its first digit."""
    size = abs(number)
    if size >= 100:
        return f"{number:.1f}"
    if 0 < size < 0.0005:
        return f"{number:.1g}"
    return f"{number:.3f}"


def duration(seconds: float) -> str:
    """59.4 → `59 s`, 4000 → `1 h 07 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def grouped(number: int) -> str:
    """12345 → `12,345`."""
    return f"{number:,}"
