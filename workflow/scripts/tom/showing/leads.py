"""What a lead over the baselines means, in words: the same for our runs and for the paper."""

from tom.measuring.baselines import BASELINES

NAMES = {name: f"the {name}" for name in BASELINES} | {"nearest": "the nearest cell"}


def describe_lead(row: dict, baseline: str) -> str:
    """How a student does against a baseline, by the interval of the difference; row: of the alignment table."""
    low, high = row[f"{baseline}_low"], row[f"{baseline}_high"]
    if low is None:
        return "not to be compared with"
    if low > 0:
        return "beats"
    return "falls short of" if high < 0 else "not to be told from"


def describe_leads(row: dict) -> str:
    """The same against every baseline, and what follows where one of them does as well."""
    leads: dict[str, list[str]] = {}
    for baseline in BASELINES:
        leads.setdefault(describe_lead(row, baseline), []).append(NAMES[baseline])
    words = "; ".join(f"{lead} {listed(names)}" for lead, names in leads.items())
    return words if beats_all(row) else f"{words}, so this is no gain over what needs no student"


def beats_all(row: dict) -> bool:
    """Whether a student beats every baseline that it can be compared with; row: of the alignment table."""
    return {describe_lead(row, baseline) for baseline in BASELINES} <= {"beats", "not to be compared with"}


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
