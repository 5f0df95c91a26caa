"""How names, numbers, estimates and verdicts read: the one form that each has in summary, page and figures."""

import re
from collections.abc import Callable, Iterable
from textwrap import wrap

from tom.evaluation.baselines import BASELINES
from tom.games.names import COLUMN_MARK, ORDER_MARK
from tom.games.payoffs import ORDINAL
from tom.games.rescaling import SCALE_MARK, SHIFT_MARKS

WIDTH = 110
NOTHING = "–"
"""For a value that is missing, in a table of the page."""

BASELINE_NAMES = {name: f"the {name}" for name in BASELINES} | {"chance": "chance", "nearest": "the nearest cell"}

PAYOFF_MODEL_NAMES = {
    "nearest_game": "nearest taught game",
    "payoff_regression": "regression on payoffs",
    "payoff_network": "network on payoffs",
}
"""What is given payoffs as numbers (tom/evaluation/payoff_models.py) → its name, without an article."""


# Names and texts


def readable(name: str) -> str:
    """`in_sample` → `In sample`; `Prisoner's dilemma ×2`, `Ordinal TRPS`, `Stag hunt −4` of `stag_hunt-minus4`."""
    text = re.sub(rf"{SCALE_MARK}([\d.]+)(?=$|-)", r" ×\1", name)
    for mark, sign in SHIFT_MARKS.items():
        text = re.sub(rf"{mark}([\d.]+)$", rf" {'+' if sign > 0 else '−'}\1", text)
    text = re.sub(rf"^{ORDINAL}{ORDER_MARK}(\w+)", lambda found: f"{ORDINAL} {found[1].upper()}", text)
    text = re.sub(
        rf"{ORDER_MARK}(\d+)({COLUMN_MARK})?(?= |$)", lambda found: f" {found[1]}{' (column)' * bool(found[2])}", text
    )
    text = text.replace("prisoners_", "prisoner's_").replace("travellers_", "traveller's_").replace("_", " ")
    return text[:1].upper() + text[1:]


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def wrapped(text: str) -> str:
    """A list item, broken into lines."""
    return "\n".join(wrap(text, WIDTH, subsequent_indent="  "))


# Numbers and estimates


def percent(share: float | None) -> str:
    """0.334 → `33`; `-` where nothing is defined."""
    return "-" if share is None else f"{round(100 * share)}"


def signed_points(share: float) -> str:
    """0.0123 → `+1.2`, in percentage points."""
    return f"{100 * share:+.1f}"


def two_places(number: float) -> str:
    """0.847 → `0.85`."""
    return f"{number:.2f}"


def estimate(
    value: float | None,
    low: float | None,
    high: float | None,
    form: Callable[[float | None], str] = percent,
    unit: str = "",
    undefined: str = "-",
) -> str:
    """An estimate with its interval: `33 (28 to 38)`. form: how each of the three is written."""
    return undefined if value is None else f"{form(value)}{unit} ({form(low)} to {form(high)})"


def gap_closed(row: dict, unit: str = "", undefined: str = "-") -> str:
    """The share of the gap that is closed, in percent, with its interval. row: of a table of gaps."""
    return estimate(row["gap_closed"], row["low"], row["high"], percent, unit, undefined)


def shown(value: object) -> str:
    """The text of a table cell: numbers to three places, or fewer where they are large; a dash for null."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return minus_signs(_rounded(value) if isinstance(value, float) else str(value))


def _rounded(number: float) -> str:
    """0.12345 → `0.123`, 123.45 → `123.5`; a number that would round to 0 keeps its first digit."""
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


def minus_signs(text: str) -> str:
    """A text whose negative numbers have minus signs: `-14 (-3 to 2)` → `−14 (−3 to 2)`. Hyphens in words stay."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)


def counted(number: int | str, one: str, more: str | None = None) -> str:
    """A number with its unit: `1 point`, `-1 point`, `68 points`, `12,345 rows`, `1.0 points`.

    one, more: the unit in the singular and, unless an s makes it, in the plural.
    """
    text = number if isinstance(number, str) else grouped(number)
    return f"{text} {one if text.lstrip('+-−') == '1' else more or f'{one}s'}"


# Verdicts on a student against the baselines

AHEAD, BEHIND, INCOMPARABLE = "beats", "falls short of", "not comparable with"


def describe_lead(row: dict, baseline: str) -> str:
    """How a student does against a baseline, by the interval of the difference. row: of the alignment table."""
    low, high = row[f"{baseline}_low"], row[f"{baseline}_high"]
    if low is None:
        return INCOMPARABLE
    if low > 0:
        return AHEAD
    return BEHIND if high < 0 else "not distinguishable from"


def describe_leads(row: dict) -> str:
    """The same for every baseline, and the conclusion where one of them does as well as the student."""
    leads: dict[str, list[str]] = {}
    for baseline in BASELINES:
        leads.setdefault(describe_lead(row, baseline), []).append(BASELINE_NAMES[baseline])
    words = "; ".join(f"{lead} {listed(names)}" for lead, names in leads.items())
    if len(leads) == 1:
        words = f"{next(iter(leads))} every baseline"
    no_more = beats_all(row) or [*leads] == [BEHIND]
    return words if no_more else f"{words}, so this is no gain over what needs no student"


def beats_all(row: dict) -> bool:
    """Whether a student beats every baseline that it can be compared with. row: of the alignment table."""
    return {describe_lead(row, baseline) for baseline in BASELINES} <= {AHEAD, INCOMPARABLE}


def cells_told(counts: Iterable[tuple[str, int]]) -> str:
    """`20 cells, in sample; 12 cells, new contexts`. counts: of each split, with its name."""
    return "; ".join(f"{counted(number, 'cell')}, {readable(split).lower()}" for split, number in counts)
