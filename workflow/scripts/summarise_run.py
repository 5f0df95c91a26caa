"""Summarise a run in one page of plain Markdown: what the students learnt, and what would have done as well.

python workflow/scripts/summarise_run.py --alignment A.parquet ... --diagnostics D.parquet ... \
    --improvements I.parquet ... --equivalence E.parquet ... --generalisation G.parquet ... \
    --sensitivities S.parquet --joint-choice-model J.parquet --published resources/paper/observed_choices.csv \
    --contributions resources/paper/observed_contributions.csv --number-means C.parquet \
    --number-gaps K.parquet --output summary.md
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.alignment import distance, gap_closed
from tom.evaluation.baselines import BASELINES, CHANCE
from tom.evaluation.improvement import VERDICTS, improvement, published_improvement, summarise_improvements
from tom.evaluation.propensities import headline_view
from tom.paper.published_choices import SPLITS, mean_contributions, read_published_split
from tom.parsing.outcomes import UNREADABLE
from tom.reporting.findings import describe_contexts, equivalence_line, joint_line, sensitivity_line
from tom.reporting.headline import headline_measure
from tom.reporting.tables import markdown_table, read_table
from tom.reporting.wording import describe_leads, number_lines, percent, readable, wrapped

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
VIEW_NAMES = {"both": "both", "fixed": "paper's", "swapped": "swapped"}
NOTABLE = 0.1
"""A mean change of propensity that the summary calls notable: the size of the paper's whole effect of tuning."""


def with_interval(row: dict) -> str:
    """`33 (28 to 38)`, in percent; `-` where the base has no gap to close."""
    if row["gap_closed"] is None:
        return "-"
    return f"{percent(row['gap_closed'])} ({percent(row['low'])} to {percent(row['high'])})"


def predictors_of(alignment: pl.DataFrame, split: str, view: str) -> dict[str, dict]:
    """Predictor → its row, of one split and view."""
    return {row["predictor"]: row for row in alignment.filter(split=split, view=view).iter_rows(named=True)}


def alignment_lines(alignment: pl.DataFrame, views: list[str]) -> list[str]:
    """The table of gaps: a line for each split and view."""
    header = ["split", "order", "gap", "closed %", "chance", "const", "shift", "near", "ceiling"]
    rows = []
    for split in alignment["split"].unique(maintain_order=True):
        for view in views:
            found = predictors_of(alignment, split, view)
            rows.append(
                [
                    readable(split),
                    VIEW_NAMES[view],
                    f"{found[BASE]['gap']:.3f} → {found['tuned']['gap']:.3f}",
                    with_interval(found["tuned"]),
                    *(percent(found[name]["gap_closed"]) for name in (*BASELINES, "noise_ceiling")),
                ]
            )
    return markdown_table(header, rows)


def verdict_line(alignment: pl.DataFrame, against_base: pl.DataFrame, split: str, view: str) -> str:
    """What a split shows: did tuning close any of the gap, more than no student would, and in contexts at large?

    against_base: the split's row of the generalisation table.
    """
    tuned = predictors_of(alignment, split, view)["tuned"]
    if tuned["gap_closed"] is None:
        change = "no gap to close"
    elif tuned["low"] > 0:
        change = "nearer to the teacher"
    elif tuned["high"] < 0:
        change = "farther from the teacher"
    else:
        change = "no clear change"
    spread = "" if tuned["seed_sd"] is None else f" (seed SD {100 * tuned['seed_sd']:.1f} points)"
    words = [f"- {readable(split)}: {change}{spread}; {describe_leads(tuned)}."]
    words += [f"{describe_contexts(row)}." for row in against_base.iter_rows(named=True)]
    return wrapped(" ".join(words))


def paper_lines(alignment: pl.DataFrame, published: Path, contributions: Path) -> list[str]:
    """The paper's figures from its published counts, beside this run in the paper's order.

    Each run's baselines are measured from its own base, so chance of the paper's base is not chance of ours.
    A run of fewer or more cells than the paper's has no figure to set beside it.
    """
    sampled = alignment.filter(measure="sampled")
    rows = []
    for split in SPLITS:
        counts = read_published_split(published, split)
        mean = summarise_improvements(published_improvement(counts))["mean_improvement"]
        rates = {model: counts[model].rates() for model in counts}
        chance = gap_closed(distance(rates["teacher"], CHANCE), distance(rates["teacher"], rates["base"]))
        found = predictors_of(sampled, split, "fixed")
        ours = found.get("tuned")
        if ours and ours["cells"] + ours["cells_unreadable"] != len(rates["teacher"]):
            ours = None
        rows.append(
            [
                readable(split),
                f"{mean:.2f}",
                "-" if ours is None or ours["mean_improvement"] is None else f"{ours['mean_improvement']:.2f}",
                with_interval(found["paper_tuned"]) if found else "-",
                percent(float(chance)),
                with_interval(ours) if ours else "-",
            ]
        )
    money = mean_contributions(contributions)
    games = float(improvement(money["base"], money["tuned"], money["teacher"]))
    rows.append(["Public goods", f"{games:.1f}", "-", "-", "-", "-"])
    header = ["split", "paper: improvement %", "this run", "paper: closed %", "paper: chance", "this run"]
    return markdown_table(header, rows)


def diagnostics_lines(diagnostics: pl.DataFrame) -> list[str]:
    """Order and letters, over all splits and seeds, and what they mean."""
    students = diagnostics.with_columns(student=pl.col("model").map_elements(role, return_dtype=pl.String))
    names = ["order_bias", "letter_change", "letter_distance", "option_mass"]
    means = students.group_by("student").agg(pl.col(names).mean(), pl.col("invalid", "observations").sum())
    found = {row["student"]: row for row in means.iter_rows(named=True)}
    header = ["model", "order bias", "letters exchanged: change", "from the letter", "option mass", "invalid replies"]
    rows = [
        [
            name,
            *("-" if found[name][column] is None else f"{found[name][column]:.3f}" for column in names),
            f"{found[name]['invalid']} of {found[name]['observations']}",
        ]
        for name in (TEACHER, BASE, "tuned")
    ]
    words = [
        describe_student(name, found[name]) for name in (BASE, "tuned") if found[name]["letter_change"] is not None
    ]
    return markdown_table(header, rows) + (["", *words] if words else [])


def unreadable_lines(diagnostics: pl.DataFrame) -> list[str]:
    """Which share of each model's replies could not be read, by outcome; nothing where all could."""
    counts = diagnostics.group_by(pl.col("model").map_elements(role, return_dtype=pl.String).alias("student"))
    found = {row["student"]: row for row in counts.agg(pl.col("observations", *UNREADABLE).sum()).iter_rows(named=True)}
    parts = []
    for name in (TEACHER, BASE, "tuned"):
        shares = {outcome: found[name][outcome] / found[name]["observations"] for outcome in UNREADABLE}
        if told := ", ".join(f"{share:.1%} {outcome.replace('_', ' ')}" for outcome, share in shares.items() if share):
            parts.append(f"{name} {told}")
    return [wrapped(f"Unreadable replies, left out of every rate: {'; '.join(parts)}.")] if parts else []


def describe_student(name: str, row: dict) -> str:
    """What a student's answers follow, in words."""
    order = "no order to compare"
    if row["order_bias"] is not None:
        weight = "notable" if row["order_bias"] > NOTABLE else "small"
        order = f"the listing order moves it by {100 * row['order_bias']:.0f} points ({weight})"
    change, distance = row["letter_change"], row["letter_distance"]
    if max(change, distance) <= NOTABLE:
        letters = "it is so near to chance that neither game nor letter shows"
    elif change < distance and (row["order_bias"] or 0) > NOTABLE:
        # A choice of whatever is listed first survives an exchange of letters as one made for the payoffs does.
        letters = "what is listed first decides, not the letter"
    elif change < distance:
        letters = "it follows the game more than the letter"
    else:
        letters = "it follows the letter more than the game"
    return f"- {name}: {order}; {letters}."


def cells_lines(improvements: pl.DataFrame, alignment: pl.DataFrame, view: str, measure: str) -> list[str]:
    """How many cells of each verdict, all seeds together."""
    shown = improvements.filter(view=view, measure=measure)
    rows = []
    for split in alignment["split"].unique(maintain_order=True):
        verdicts = shown.filter(split=split)["verdict"].to_list()
        rows.append([readable(split), *(str(verdicts.count(verdict)) for verdict in VERDICTS)])
    return markdown_table(["cells (all seeds)", *VERDICTS], rows)


def summarise(
    alignment: pl.DataFrame,
    diagnostics: pl.DataFrame,
    improvements: pl.DataFrame,
    equivalence: pl.DataFrame,
    generalisation: pl.DataFrame,
    sensitivities: pl.DataFrame,
    joint: pl.DataFrame,
    published: Path,
    contributions: Path,
    student: str,
    teacher: str,
) -> list[str]:
    """The summary's lines."""
    shown = headline_measure(alignment)
    found = shown["view"].unique().to_list()
    headline = headline_view(found)
    views = list(dict.fromkeys([headline, *(["fixed"] if "fixed" in found else [])]))
    measure = shown["measure"][0]
    confidence = alignment["confidence"][0]
    against_base = generalisation.filter(view=headline, measure=measure, predictor="tuned", against=BASE)
    lines = [
        f"# What {student} learnt from {teacher}",
        "",
        "gap: mean distance from the teacher's propensity to cooperate, over cells: before → after tuning.",
        f"closed: the share of the base's gap that is gone, in %; interval: {confidence:.0%}; propensities: {measure}.",
        "chance: p = 0.5. constant, shift, nearest cell: from in-sample cells. ceiling: a perfect student's.",
        "",
        *alignment_lines(shown, views),
        "",
        *(
            verdict_line(shown, against_base.filter(split=split), split, headline)
            for split in shown["split"].unique(maintain_order=True)
        ),
        equivalence_line(equivalence, headline, measure),
        *filter(None, [sensitivity_line(sensitivities, headline), joint_line(joint, headline, confidence)]),
        "",
        "Beside the paper, in its order, sampled. Improvement: mean over cells of (tuned - base) / (teacher - base).",
        "",
        *paper_lines(alignment, published, contributions),
        "",
        *diagnostics_lines(diagnostics),
        "",
        *cells_lines(improvements, shown, headline, measure),
    ]
    if told := unreadable_lines(diagnostics):
        lines += ["", *told]
    if unreadable := shown.filter(predictor="tuned", view=headline)["cells_unreadable"].sum():
        lines += ["", f"Left out for want of readable replies: {unreadable} cells."]
    return lines


def chance_lines(contexts: list[str]) -> list[str]:
    """That students were taught more than their teacher's choices, where they were."""
    if not contexts:
        return []
    told = f"- Trained besides, chance in {len(contexts)} contexts that no teacher was asked in: {', '.join(contexts)}."
    return [wrapped(told)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="+", required=True, help="tables of every split")
    for name in NUMBER_TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="*", default=[], help="tables of every split of public goods games, if any")
    parser.add_argument("--published", type=Path, required=True, help="the paper's choices, CSV")
    parser.add_argument("--contributions", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--student", default="the student", help="its name")
    parser.add_argument("--teacher", default="the teacher", help="its name")
    parser.add_argument(
        "--uniform-target-contexts", nargs="*", default=[], help="contexts where the students were taught chance"
    )
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()

    lines = summarise(
        *(read_table(*getattr(arguments, name)) for name in TABLES),
        arguments.published,
        arguments.contributions,
        arguments.student,
        arguments.teacher,
    )
    if arguments.number_means:
        given = (read_table(*getattr(arguments, name)) for name in NUMBER_TABLES)
        lines += ["", *number_lines(*given)]
    if told := chance_lines(arguments.uniform_target_contexts):
        lines += ["", *told]
    with atomic_file(arguments.output) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    log_written(arguments.output, f"{len(lines)} lines")


if __name__ == "__main__":
    run_main(main)
