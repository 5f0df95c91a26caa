"""Plot the loss and the learning rate of each training run, step by step.

python workflow/scripts/plot_training_curve.py --curves CURVE.csv ... --loss-report REPORT.json --output F.pdf F.png
"""

import argparse
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import UserError, run_main
from tom.reporting.figure_style import COLOURS, MM, SINGLE_COLUMN, add_note, letter_panels, save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = {
    "epoch": pl.Int64,
    "step": pl.Int64,
    "loss": pl.Float64,
    "learning_rate": pl.Float64,
    "validation_loss": pl.Float64,
}


def read_curve(file: Path) -> pl.DataFrame:
    """One training run's curve. Errors: UserError names the file and what it lacks."""
    try:
        curve = pl.read_csv(file, schema_overrides=COLUMNS).select(*COLUMNS)
    except FileNotFoundError:
        raise UserError(f"{file}: no such training curve") from None
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{file}: needs numbers in {', '.join(COLUMNS)} ({str(error).splitlines()[0]})") from None
    if curve.is_empty():
        raise UserError(f"{file}: a training curve without steps")
    return curve


def least_loss(report: dict) -> float | None:
    """The entropy of the taught replies, in nats per token: no student can have a lower loss over all of them.

    report: tom/training/loss_report.py. None where it does not have every reply, as in trainings on texts.
    """
    examples = report["examples"] + report.get("anchors", [])
    if any(example["distinct_replies"] > len(example["replies"]) for example in examples):
        return None
    nats = 0.0
    for example in examples:
        counts = [reply["count"] for reply in example["replies"] if reply["count"]]
        nats -= sum(count * math.log(count / sum(counts)) for count in counts)
    return nats / sum(example["supervised_tokens"] for example in examples)


def label_of(file: Path) -> str:
    """`adapters/KEY/seed2/curve.csv` → `seed 2`; without a seed in its path, the name of the file."""
    seeds = re.findall(r"seed(\d+)", str(file))
    return f"seed {seeds[-1]}" if seeds else file.stem


def colours_of(trainings: int) -> list:
    """Shades of the tuned student's colour, from light to dark: another hue would be another model's."""
    import seaborn as sns

    return (
        [COLOURS["tuned"]] if trainings == 1 else sns.blend_palette(("#9ECAE1", COLOURS["tuned"], "#041E42"), trainings)
    )


def plot_curves(curves: dict[str, pl.DataFrame], least: float | None = None) -> "Figure":
    """Loss above, learning rate below, with up to four lines of loss for each training run. least: `least_loss`.

    Faint: the steps, whose losses differ by the cells in each. Strong: the mean of each epoch, over its own steps.
    Diamonds: the loss over all cells after each Gauss-Newton step, which has no learning rate. Dashed: the validation
    loss, if it was measured.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    figure, (losses, rates) = plt.subplots(
        2, 1, sharex=True, figsize=(SINGLE_COLUMN, 80 * MM), height_ratios=[3, 1], layout="constrained"
    )
    for (label, curve), colour in zip(curves.items(), colours_of(len(curves)), strict=True):
        descent, second_order = (curve.filter(pl.col("learning_rate").is_null() == null) for null in (False, True))
        losses.plot(descent["step"], descent["loss"], color=colour, linewidth=0.5, alpha=0.5)
        ends = {"first": pl.col("step").min() - 0.5, "last": pl.col("step").max() + 0.5}
        epochs = descent.group_by("epoch").agg(pl.col("loss").mean(), **ends).sort("epoch")
        strong = {"color": colour, "linewidth": 1.4, "label": f"{label}, mean of an epoch"}
        losses.hlines(epochs["loss"], epochs["first"], epochs["last"], **strong)
        if len(second_order):
            diamonds = {"linestyle": ":", "marker": "D", "markersize": 2.5, "label": f"{label}, Gauss-Newton steps"}
            losses.plot(second_order["step"], second_order["loss"], color=colour, **diamonds)
        validated = curve.drop_nulls("validation_loss")
        if len(validated):
            validation = {"linestyle": "--", "marker": "o", "markersize": 2.5, "label": f"{label}, validation"}
            losses.plot(validated["step"], validated["validation_loss"], color=colour, **validation)
        rates.plot(curve["step"], curve["learning_rate"], color=colour)
    if least:
        losses.axhline(least, color=COLOURS["baseline"], linestyle="-.", linewidth=0.9, label="least possible")
    # The first steps are far above all others, which would look level on a linear axis.
    losses.set_yscale("log")
    losses.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    losses.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
    losses.yaxis.set_minor_locator(NullLocator())
    losses.set(title="Loss", ylabel="nats per token, log scale")
    rates.set(title="Learning rate", xlabel="step")
    # Each number is whole: no power of ten stands above the axis.
    rates.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    losses.legend()
    figure.align_ylabels()
    letter_panels(figure.axes)
    note = "Loss on the teacher's replies in sample. Faint: steps. Strong: means of epochs."
    add_note(figure, note if not least else f"{note} Least possible: the entropy of these replies.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=Path, nargs="+", required=True, help="CSV, one for each training run")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    parser.add_argument("--loss-report", type=Path, help="JSON, of one of the training runs")
    arguments = parser.parse_args()
    use_style()
    least = least_loss(json.loads(arguments.loss_report.read_text())) if arguments.loss_report else None
    curves = {label_of(file): read_curve(file) for file in arguments.curves}
    save_figure(plot_curves(curves, least), arguments.output)


if __name__ == "__main__":
    run_main(main)
