"""Which result tables the page shows, in which order, and under which heading."""

from dataclasses import dataclass

import polars as pl

from tom.evaluation.baselines import BASELINES
from tom.page.html_tables import Dictionary, Table, to_table

KEYS = ("split", "view", "measure", "model", "predictor")
FILTERS = (*KEYS, "level", "quantity", "verdict")
LEADS = tuple(f"{baseline}_{column}" for baseline in BASELINES for column in ("lead", "low", "high"))


@dataclass(frozen=True)
class Shown:
    """One heading of the page: a table of the run, or some of its columns.

    only: columns beside the keys, or empty for all; leaves_out: columns that stand under another heading; described_as:
    its name in the dictionary, if another.
    """

    table: str
    title: str
    about: str
    only: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    described_as: str = ""


SHOWN = (
    Shown("alignment", "Gaps, and how much of them is closed", "Distances from the teacher.", leaves_out=LEADS),
    Shown("alignment", "Leads over the baselines", "Gap closed beyond each baseline's.", LEADS),
    Shown("equivalence", "Equivalent, different or undecided", "Each cell against its teacher, up to a margin."),
    Shown("contexts", "Contexts", "Gaps, one context at a time."),
    Shown("generalisation", "Contexts at large", "Contexts as the sample: Student's t over one value a context."),
    Shown("sensitivities", "Sensitivities", "What game, context and payoffs move, and how much of it was learnt."),
    Shown("joint_choice_model", "One model of choice", "Is its sensitivity the teacher's, or only its mean?"),
    Shown("games", "Games by their payoffs", "What they say before anyone plays, beside how often models cooperate."),
    Shown("reactions", "Reactions to scaled payoffs", "Each cell at original and scaled payoffs."),
    Shown("improvement_summaries", "The paper's improvement, summed up", "Mean, median and ratio of sums over cells."),
    Shown("improvements", "The paper's improvement, cell by cell", "(tuned − base) / (teacher − base), in percent."),
    Shown("propensities", "Propensities pooled over cells", "By game, context and split; cells are above."),
    Shown("diagnostics", "Order and letters", "What answers follow besides the game."),
    Shown("number_games", "Games in which a number is named", "Equilibria, dominance and optima, beside mean numbers."),
    Shown(
        "number_means", "Numbers named", "In games in which a number is named, public goods among them, cell by cell."
    ),
    Shown("number_gaps", "Gaps in numbers named", "Distances from the teacher, and how much of them is closed."),
    Shown("number_distributions", "How often each number is named", "Every number that may be, cell by cell."),
    Shown(
        "stated",
        "The paper's stated figures, recomputed",
        "From its published counts, and what they can carry.",
        described_as="figures",
    ),
    Shown("usage", "What the teacher's endpoint used", "Requests, tokens and cost."),
)


def result_tables(tables: dict[str, pl.DataFrame], files: dict[str, list[str]], dictionary: Dictionary) -> list[Table]:
    """The tables of SHOWN that the run has and that hold rows. tables, files: by the run's names of tables."""
    found = []
    for number, heading in enumerate(SHOWN):
        frame = tables.get(heading.table)
        if frame is None:
            continue
        frame = _part(frame, heading)
        if frame.height:
            described = dictionary.get(heading.described_as or heading.table, {})
            key = f"table-{number}-{heading.table}"
            about, lie_at = heading.about, files.get(heading.table, [])
            found.append(to_table(frame, described, key, heading.title, about, lie_at, FILTERS))
    return found


def _part(frame: pl.DataFrame, heading: Shown) -> pl.DataFrame:
    if heading.table == "propensities":
        frame = frame.filter(pl.col("level") != "cell")
    if heading.only:
        frame = frame.select(*(name for name in KEYS if name in frame.columns), *heading.only)
        frame = frame.filter(pl.any_horizontal(pl.col(heading.only).is_not_null()))
    return frame.drop(heading.leaves_out)
