"""What models follow beside or in place of game and context: option order and letters; and what a teacher follows."""

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.frames import roles_of
from tom.core.roles import BASE, TEACHER
from tom.reporting.tables import markdown_table
from tom.reporting.wording import counted, percent, signed_points, wrapped

MODELS = (TEACHER, BASE, "tuned")
NOTABLE = 0.1
"""A mean change of propensity that the summary calls notable: as large as the paper's whole effect of training."""
SELDOM = 0.5
"""The option mass below which propensities say little of what a model would reply freely."""
AVERAGED = ["order_bias", "letter_change", "letter_distance", "option_mass"]


def teacher_lines(diagnostics: pl.DataFrame, sensitivities: pl.DataFrame, view: str, confidence: float) -> list[str]:
    """What a teacher itself follows in sample, and whether that leaves a student anything to learn.

    Order and letters of one that was asked live, as far as they are known; else nothing but that it has nothing to
    transfer, where that is so.
    """
    found = diagnostics.filter(split=IN_SAMPLE, model=TEACHER).to_dicts()
    if not found:
        return []
    row, nothing = found[0], has_nothing_to_transfer(found[0], confidence)
    lines = []
    if row["letter_change"] is not None:
        lines.append(wrapped(f"{describe_model(TEACHER, row)} {_cells(row)} {_shares(sensitivities, view)}".strip()))
    elif row["order_difference"] is not None:
        moved = signed_points(row["order_difference"])
        told = f"- Teacher: listing cooperation first moves its propensity by {moved} percentage points."
        lines.append(wrapped(f"{told} {_cells(row)} {_shares(sensitivities, view)}".strip()))
    if nothing:
        # Exact propensities are averaged over both meanings of the letters, which replies are not asked in.
        exact = row["cell_sd"] is not None
        moves = "over both meanings of the letters, game and context move its cooperation less than the noise of its"
        moves = f"{moves} replies" if exact else "game and context move its choice no more than chance"
        lines.append(
            wrapped(
                f"- This teacher has nothing to transfer: {moves}. What a student closes of its gap comes from"
                " elsewhere: from order, letters or the mean."
            )
        )
    return lines


def has_nothing_to_transfer(row: dict, confidence: float) -> bool:
    """Whether a teacher's cells differ by no more than noise. row: of its diagnostics.

    By its exact propensities: their standard deviation over cells is below that of the noise of its observations.
    Without them: its observations don't refute one propensity in all cells.
    """
    if row["cell_sd"] is not None and row["cell_noise"] is not None:
        return row["cell_sd"] < row["cell_noise"]
    return row["p_cells"] is not None and row["p_cells"] > 1 - confidence


def _cells(row: dict) -> str:
    """How much the cells differ, beside noise."""
    if row["cell_noise"] is None:
        return ""
    noise = f"the noise of its replies is {100 * row['cell_noise']:.1f} points"
    if row["cell_sd"] is not None:
        spread = f"{100 * row['cell_sd']:.1f} percentage points"
        return f"Averaged over orders and letters, its cells have a standard deviation of {spread}; {noise}."
    if row["p_cells"] is None:
        return ""
    p_value = "below .001" if row["p_cells"] < 0.001 else f"{row['p_cells']:.3f}"
    return f"That all cells have one propensity has a p-value {p_value}; {noise}."


def _shares(sensitivities: pl.DataFrame, view: str) -> str:
    """What the variance of its replies over cells is due to."""
    rows = sensitivities.filter(split=IN_SAMPLE, view=view, model=TEACHER, quantity="variance_share")
    shares = dict(rows.select("factor", "estimate").rows())
    parts = [percent(shares.get(factor)) for factor in ("context", "game", "noise")]
    return (
        f"Variance of its replies due to context / game / noise, %: {' / '.join(parts)} (noise lies within the others)."
        if shares
        else ""
    )


def student_lines(diagnostics: pl.DataFrame) -> list[str]:
    """What the base and the tuned student follow, and how seldom a free reply would be a choice where it is seldom."""
    found = _means(diagnostics)
    lines = []
    for name in (BASE, "tuned"):
        row, words = found[name], ""
        if row["letter_change"] is None:
            continue
        if row["option_mass"] is not None and row["option_mass"] < SELDOM:
            words = f" Of its free replies {percent(row['option_mass'])} % would begin with one of the two letters."
        lines.append(wrapped(f"{describe_model(name, row)}{words}"))
    return lines


def diagnostics_table(diagnostics: pl.DataFrame) -> list[str]:
    """How far answers follow order and letters, over all splits and seeds: a table in Markdown."""
    found = _means(diagnostics)
    header = ["model", "order bias", "letters swapped", "from letter", "option mass", "invalid replies"]
    rows = [
        [
            name,
            *("-" if found[name][column] is None else f"{found[name][column]:.3f}" for column in AVERAGED),
            f"{found[name]['invalid']} of {found[name]['observations']}",
        ]
        for name in MODELS
    ]
    return markdown_table(header, rows)


def _means(diagnostics: pl.DataFrame) -> dict[str, dict]:
    """Model → its diagnostics over all splits, and a student's over all seeds."""
    students = diagnostics.with_columns(student=roles_of())
    means = students.group_by("student").agg(pl.col(AVERAGED).mean(), pl.col("invalid", "observations").sum())
    return {row["student"]: row for row in means.iter_rows(named=True)}


def describe_model(name: str, row: dict) -> str:
    """What a model's answers follow. row: its diagnostics, or their means."""
    order = "no option order to compare"
    if row["order_bias"] is not None:
        order = f"the option order moves it by {counted(percent(row['order_bias']), 'percentage point')}"
    change, from_letter = row["letter_change"], row["letter_distance"]
    if max(change, from_letter) <= NOTABLE:
        letters = "it is so near to chance that neither game nor letter shows"
    elif change < from_letter and (row["order_bias"] or 0) > NOTABLE:
        # A choice of what is listed first survives a swap of the letters, as a choice by payoffs does.
        letters = "what is listed first decides, not the letter"
    elif change < from_letter:
        letters = "it follows the game more than the letter"
    else:
        letters = "it follows the letter more than the game"
    return f"- {name.capitalize()}: {order}; {letters}."
