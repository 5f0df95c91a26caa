"""A run in one page of plain Markdown: what the students learnt, and what would have done as well without them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import polars as pl

from tom.config.study import in_sample_first
from tom.core.frames import roles_of
from tom.core.roles import BASE
from tom.evaluation.aligned_counts import EXACT, POOLED, SAMPLED
from tom.evaluation.alignment import gap_closed as closed_of
from tom.evaluation.baselines import NEAREST_CELL
from tom.evaluation.improvement import (
    VERDICTS,
    improvement,
    published_chance,
    published_improvement,
    summarise_improvements,
)
from tom.evaluation.propensities import headline_view_of
from tom.paper.published_choices import SPLITS, mean_contributions, read_published_split
from tom.parsing.outcomes import UNREADABLE
from tom.reporting.biases import MODELS, diagnostics_table, student_lines, teacher_lines
from tom.reporting.findings import (
    equivalence_line,
    headline,
    headline_measure,
    joint_line,
    not_estimated_line,
    number_parts,
    predictors_of,
    sensitivity_table,
    verdict_line,
)
from tom.reporting.main_result import main_result, main_result_lines
from tom.reporting.tables import markdown_table
from tom.reporting.wording import WIDTH, counted, gap_closed, listed, minus_signs, percent, readable, wrapped

TABLES = (
    "alignment",
    "diagnostics",
    "improvements",
    "equivalence",
    "generalisation",
    "sensitivities",
    "joint_choice_model",
)
NUMBER_TABLES = ("number_means", "number_gaps")
"""Only of runs with games in which a number is named."""
COMPUTED = "- Teacher: a behavioural model."
"""Said of a computed teacher."""
TEACHERS = {EXACT: "exact", SAMPLED: "sampled", POOLED: "sampled, in all the orders that it was asked in"}
"""What the teacher's propensities are, in words."""
NO_NOISE = "Nothing was drawn for them, so intervals have no width."
"""Said where the propensities of both are exact."""
PAPER_HEADER = ["split", "improvement: paper", "improvement: run", "closed: paper", "chance: paper", "closed: run"]
PAPER = [
    "Percent, in the paper's option order, sampled as the paper did. Improvement: mean over cells of (tuned − base) /",
    "(teacher − base). It explodes where teacher and base are alike: cite and read closed.",
]
DIAGNOSTICS = [
    "- order bias: how far the propensity moves when the options are listed the other way round",
    "- letters swapped: how far it moves when C and D are exchanged; 0: the game alone counts",
    "- from letter: how far it then is from where the letter alone would leave it",
    "- option mass: probability that a free reply begins with an option; a letter is drawn among options alone",
]
RECORDED = "- The teacher's choices are a record: it may have been asked in other words, and in one order alone."
IMPROVEMENTS = [
    "Cells that training moved towards the teacher (improvement), away, or beyond it. Undetermined: no clear gap.",
]
"""What the figures of a section are."""
DISTANCES, BESIDE_PAPER = "Distances from the teacher", "Beside the paper"
"""Headings of parts that the page shows in places of their own."""
MANY_UNREAD = 0.05
"""The share of unreadable replies of a model above which the summary shows examples."""
EXAMPLES, EXAMPLE_LENGTH = 3, 70


def summary_lines(
    tables: Mapping[str, pl.DataFrame],
    published: Path,
    contributions: Path,
    student: str,
    teacher: str,
    uniform_target_contexts: Sequence[str] = (),
    computed: bool = False,
    replies: pl.DataFrame | None = None,
) -> list[str]:
    """The summary's lines, some of them of several. tables: TABLES, and NUMBER_TABLES if the run has them.

    published, contributions: the paper's counts. uniform_target_contexts: where the students were trained on chance.
    computed: whether the teacher is a behavioural model. replies: the table of that name, where models reply in words.
    """
    alignment = tables["alignment"]
    shown = headline_measure(alignment)
    view, measure, confidence = headline_view_of(shown), shown["measure"][0], alignment["confidence"][0]
    splits = shown["split"].unique(maintain_order=True).to_list()
    against_base = tables["generalisation"].filter(view=view, measure=measure, predictor="tuned", against=BASE)
    verdicts = [
        verdict_line(predictors_of(shown, split, view)["tuned"], against_base.filter(split=split)) for split in splits
    ]
    numbers = number_parts(tables["number_means"], tables["number_gaps"]) if "number_means" in tables else []
    equivalent = equivalence_line(tables["equivalence"], view, measure)
    missing = not_estimated_line(tables, view, measure)
    joint = joint_line(tables["joint_choice_model"], view, confidence)
    beside_paper = paper_rows(alignment, published, contributions, tables.get("number_gaps"))
    of_this_run = [row[2] for row in beside_paper if row[2] != "-"]
    sections = {
        f"# What {student} learnt from {teacher}": [
            [fill(headline(alignment, student, teacher), WIDTH)],
            teacher_lines(tables["diagnostics"], tables["sensitivities"], view, confidence),
            [
                *verdicts,
                *(line for verdict, *_ in numbers for line in verdict),
                *student_lines(tables["diagnostics"]),
                *scope_lines(shown.filter(view=view, predictor="tuned")),
            ],
            unreadable_lines(tables["diagnostics"], replies),
        ],
        f"## {DISTANCES}": [
            [
                "- gap: mean over cells of the distance from the teacher's propensity to cooperate, before and after",
                f"- closed: share of the base's gap closed, %; {percent(confidence)} % interval, may pass the ceiling",
                "- order: cooperation listed first in half of the prompts (both), or in all of them (paper's)",
                "- chance: a propensity of one half; constant: the one propensity that is best in sample",
                "- offset: the base's propensities, all moved by one number; ceiling: a second sample of the teacher",
                wrapped(f"- nearest: {NEAREST_CELL}"),
                f"- {propensity_words(predictors_of(shown, splits[0], view)[BASE])}",
                *([COMPUTED] if computed else []),
            ],
            main_result_lines(main_result(alignment)),
            unmeasured_lines(shown.filter(predictor="tuned", view=view)),
        ],
        f"## {BESIDE_PAPER}": [PAPER, markdown_table(PAPER_HEADER, beside_paper)] if of_this_run else [],
        "## Games in which a number is named": [part for _, table, notes in numbers for part in (table, notes)],
        "## Order and letters": [DIAGNOSTICS, diagnostics_table(tables["diagnostics"])],
        "## Cells, context and game": [
            [*filter(None, [equivalent, joint, missing])],
            sensitivity_table(tables["sensitivities"], view),
            IMPROVEMENTS,
            cells_lines(tables["improvements"], splits, view, measure),
        ],
        "## Training": [uniform_lines(uniform_target_contexts)],
    }
    told = {heading: [part for part in parts if part] for heading, parts in sections.items()}
    parts = [part for heading, found in told.items() if found for part in ([heading], *found)]
    return [minus_signs(line) for part in parts for line in ["", *part]][1:]


def scope_lines(tuned: pl.DataFrame) -> list[str]:
    """What the result rests on. tuned: the tuned student's rows of the alignment table, one a split."""
    seeds = tuned["seeds"].max()
    trained = "One training seed" if seeds == 1 else f"Mean over {seeds} training seeds"
    cells = listed([str(cells) for cells in tuned["cells"]])
    drawn = "the teacher's replies" if tuned["measure"][0] == EXACT else "sampled replies"
    noise = "" if tuned["teacher_answers"][0] == EXACT else f" Intervals are of {drawn}, not of seeds or cells."
    scope = f"- {trained}; {cells} {'cell' if cells == '1' else 'cells'}.{noise}"
    return [wrapped(scope), *([RECORDED] if tuned["teacher_answers"][0] == POOLED else [])]


def propensity_words(row: dict) -> str:
    """Whose propensities are exact and whose sampled. row: of the alignment table."""
    words = f"propensities: the students' are {row['measure']}, the teacher's {TEACHERS[row['teacher_answers']]}."
    return f"{words} {NO_NOISE}" if row["teacher_answers"] == EXACT else words


def paper_rows(
    alignment: pl.DataFrame, published: Path, contributions: Path, gaps: pl.DataFrame | None = None
) -> list[list[str]]:
    """Rows of PAPER_HEADER: the paper's figures from its published counts, and this run's in the paper's option order.

    gaps: the table number_gaps of a run that has public goods. They are one cell, so their mean improvement in percent
    is the share of the gap closed, and chance is all numbers equally likely. Baselines are measured from each run's own
    base, so chance closes another share for the paper than for this run.
    A split with other cells than the paper's has no figure to set beside it.
    """
    sampled = alignment.filter(measure="sampled")
    rows = []
    for split in in_sample_first(SPLITS):
        counts = read_published_split(published, split)
        mean = summarise_improvements(published_improvement(counts))["mean_improvement"]
        found = predictors_of(sampled, split, "fixed")
        ours = found.get("tuned")
        if ours and ours["cells"] + ours["cells_unreadable"] != len(counts["teacher"].rates()):
            ours = None
        rows.append(
            [
                readable(split),
                f"{mean:.0f}",
                "-" if ours is None or ours["mean_improvement"] is None else f"{ours['mean_improvement']:.0f}",
                gap_closed(found["paper_tuned"]) if found else "-",
                percent(published_chance(counts)),
                gap_closed(ours) if ours else "-",
            ]
        )
    money = mean_contributions(contributions)
    row = ["Public goods", f"{float(improvement(money['base'], money['tuned'], money['teacher'])):.0f}"]
    rows.append(row + _public_goods_cells(gaps))
    return rows


def _public_goods_cells(gaps: pl.DataFrame | None) -> list[str]:
    """The cells after the paper's improvement in public goods; dashes unless the run has the paper's cell."""
    found = {}
    if gaps is not None:
        shown = gaps.filter(split="public_goods", level="split", measure=SAMPLED, quantity="mean")
        found = {row["predictor"]: row for row in shown.iter_rows(named=True)}
    if "paper_tuned" not in found:
        return ["-"] * 4
    ours, chance = found["tuned"], closed_of(found["uniform"]["gap"], found["paper_base"]["gap"])
    improved = "-" if ours["gap_closed"] is None else f"{100 * ours['gap_closed']:.0f}"
    return [improved, gap_closed(found["paper_tuned"]), percent(chance), gap_closed(ours)]


def cells_lines(improvements: pl.DataFrame, splits: list[str], view: str, measure: str) -> list[str]:
    """How many cells have each verdict, all seeds together."""
    shown = improvements.filter(view=view, measure=measure)
    rows = []
    for split in splits:
        verdicts = shown.filter(split=split)["verdict"].to_list()
        rows.append([readable(split), *(str(verdicts.count(verdict)) for verdict in VERDICTS)])
    return markdown_table(["cells (all seeds)", *VERDICTS], rows)


def unreadable_lines(diagnostics: pl.DataFrame, replies: pl.DataFrame | None = None) -> list[str]:
    """The share of each model's replies that could not be read, by outcome; nothing where all could be.

    Beside them the most frequent unreadable texts of a model with more than MANY_UNREAD, if there are replies.
    """
    counts = diagnostics.group_by(roles_of().alias("student")).agg(pl.col("observations", *UNREADABLE).sum())
    found = {row["student"]: row for row in counts.iter_rows(named=True)}
    parts, examples = [], []
    for name in MODELS:
        shares = {outcome: found[name][outcome] / found[name]["observations"] for outcome in UNREADABLE}
        if told := ", ".join(f"{share:.1%} {outcome.replace('_', ' ')}" for outcome, share in shares.items() if share):
            parts.append(f"{name} {told}")
        if replies is not None and sum(shares.values()) > MANY_UNREAD:
            examples += unread_examples(replies.filter(roles_of() == name), name)
    if not parts:
        return []
    return [wrapped(f"Unreadable replies, left out of every rate: {'; '.join(parts)}."), *examples]


def unread_examples(replies: pl.DataFrame, name: str) -> list[str]:
    """The most frequent texts of a model that could not be read, on a line each, cut where they are long."""
    unread = replies.filter(pl.col("outcome").is_in(UNREADABLE), pl.col("raw").is_not_null())
    texts = unread.group_by("outcome", "raw").agg(pl.col("replies").sum())
    frequent = texts.sort("replies", "outcome", "raw", descending=[True, False, False]).head(EXAMPLES)
    return [
        f"- {name}, {row['outcome'].replace('_', ' ')}, {counted(row['replies'], 'time')}: {shortened(row['raw'])}"
        for row in frequent.iter_rows(named=True)
    ]


def shortened(text: str) -> str:
    """A text in one line of at most EXAMPLE_LENGTH characters, in code marks."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line}`" if len(line) <= EXAMPLE_LENGTH else f"`{line[:EXAMPLE_LENGTH]} ...`"


def unmeasured_lines(tuned: pl.DataFrame) -> list[str]:
    """How many cells are left out of the gaps; nothing where none is. tuned: rows of the alignment table."""
    count = tuned["cells_unreadable"].sum()
    return [f"Cells left out, because a model gave no readable reply there: {count}."] if count else []


def uniform_lines(contexts: Sequence[str]) -> list[str]:
    """That students were trained on more than their teacher's choices, where they were."""
    if not contexts:
        return []
    where = f"{counted(len(contexts), 'context')} in which no teacher was asked"
    return [wrapped(f"- Also trained on chance in {where}: {', '.join(contexts)}.")]
