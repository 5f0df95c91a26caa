"""The main result in one table: each split and option order, before and after training, beside what needs no student.

The summary shows it in Markdown. Its LaTeX is for a paper: it needs the package booktabs, and fits a text 160 mm wide.
"""

import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE
from tom.evaluation.baselines import BASELINES
from tom.evaluation.propensities import headline_view_of
from tom.reporting.findings import headline_measure, predictors_of
from tom.reporting.tables import markdown_table
from tom.reporting.wording import cells_told, gap_closed, percent, readable

VIEW_NAMES = {"both": "both", "fixed": "paper's", "swapped": "cooperation last"}
"""View → the order that options were listed in, as summary and page name it."""
OTHERS = (*BASELINES, "noise_ceiling")
"""Predictors without a student, in the order of their columns."""
LATEX = r"""%% Needs \usepackage{booktabs}.
\begin{table}
\centering\small
\setlength{\belowcaptionskip}{4pt}
\caption{%s}
\label{tab:main-result}
\setlength{\tabcolsep}{3pt}
\begin{tabular}{@{}ll rr r *{%d}{r}@{}}
\toprule
& & \multicolumn{2}{c}{Gap} & \multicolumn{%d}{c}{Gap closed, \%%} \\
\cmidrule(lr){3-4} \cmidrule(lr){5-%d}
%s \\
\midrule
%s
\bottomrule
\end{tabular}
\end{table}
"""
CAPTION = (
    "What {student} learnt from {teacher}. Gap: mean distance from the teacher's propensity to cooperate, over cells."
    " Gap closed: the share of the base student's gap that is closed, with its {confidence:.0%} interval (parametric"
    " bootstrap), {seeds}; then what baselines without a student close, and the noise ceiling, which is what a perfect"
    " student would show. Order: both option orders, or the paper's alone. n = {cells}."
)
ESCAPES = {character: f"\\{character}" for character in "&%$#_{}"}
ESCAPES |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "|": r"\textbar{}"}


def main_result(alignment: pl.DataFrame) -> pl.DataFrame:
    """A row for each split and view: the view that a run is judged by, then the paper's where that is another one."""
    shown = headline_measure(alignment)
    views = dict.fromkeys([headline_view_of(shown), *shown.filter(view="fixed")["view"].unique()])
    rows = []
    for split in shown["split"].unique(maintain_order=True):
        for view in views:
            found = predictors_of(shown, split, view)
            tuned = found["tuned"]
            row = {name: tuned[name] for name in table_schema("main_result") if name in tuned}
            row |= {"base_gap": found[BASE]["gap"], "tuned_gap": tuned["gap"]}
            rows.append(row | {name: found[name]["gap_closed"] for name in OTHERS})
    return frame_of(rows, table_schema("main_result"))


def main_result_lines(result: pl.DataFrame) -> list[str]:
    """The table in Markdown."""
    header = ["split", "order", "closed %", "gap", "chance", "constant", "offset", "nearest", "ceiling"]
    rows = []
    for row in result.iter_rows(named=True):
        gaps = " → ".join("-" if row[name] is None else f"{row[name]:.3f}" for name in ("base_gap", "tuned_gap"))
        others = [percent(row[name]) for name in OTHERS]
        rows.append([readable(row["split"]), VIEW_NAMES[row["view"]], gap_closed(row), gaps, *others])
    return markdown_table(header, rows)


def main_result_latex(result: pl.DataFrame, student: str, teacher: str) -> str:
    """The table in LaTeX, with a caption that explains it."""
    header = ["Split", "Order", "Base", "Tuned", "Tuned", "Chance", "Constant", "Offset", "Nearest", "Ceiling"]
    lines, last = [], None
    for row in result.iter_rows(named=True):
        gaps = ["--" if row[name] is None else f"{row[name]:.3f}" for name in ("base_gap", "tuned_gap")]
        shares = [gap_closed(row), *(percent(row[name]) for name in OTHERS)]
        # A hyphen before a number is a minus, and one alone a dash.
        shares = ["--" if share == "-" else share.replace("-", "$-$") for share in shares]
        split = "" if row["split"] == last else latex(readable(row["split"]))
        lines.append(" & ".join([split, VIEW_NAMES[row["view"]], *gaps, *shares]) + r" \\")
        last = row["split"]
    cells = result.unique("split", maintain_order=True).select("split", "cells").rows()
    seeds = result["seeds"].drop_nulls()
    caption = CAPTION.format(
        student=student,
        teacher=teacher,
        confidence=result["confidence"][0],
        seeds="one training seed" if seeds.max() == 1 else f"mean over {seeds.max()} training seeds",
        cells=cells_told(cells),
    )
    columns = len(header)
    return LATEX % (latex(caption), len(OTHERS), columns - 4, columns, " & ".join(header), "\n".join(lines))


def latex(text: str) -> str:
    """A text as LaTeX prints it."""
    return "".join(ESCAPES.get(character, character) for character in text)
