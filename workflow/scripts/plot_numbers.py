"""Plot the numbers that teacher, base and tuned students name: means with standard errors, and distributions.

As figure 5 of the paper (arXiv 2408.05241), for this run, with the paper's own models beside.

python workflow/scripts/plot_numbers.py --distributions D.parquet \
    --published resources/paper/observed_contributions.csv --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.evaluation.number_counts import distribution_table
from tom.paper.published_contributions import published_contributions
from tom.reporting.figure_style import (
    COLOURS,
    DOUBLE_COLUMN,
    MARKERS,
    MM,
    add_note,
    in_rows,
    letter_panels,
    number_of,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import counted, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROLES = list(MARKERS)
PALETTE = {name: COLOURS[name] for name in ROLES}


def with_paper(table: pl.DataFrame, published: Path) -> pl.DataFrame:
    """The distributions of a run, then those of the paper for the same cells, each with its `role` and `group`.

    group: the game, if there are several, the context and, where the paper has the cells too, whose they are.
    """
    cells = table.select("game", "context").unique(maintain_order=True).rows()
    ends = table.group_by("game").agg(pl.col("number").min(), pl.col("number").max().alias("highest")).rows()
    choices = {game: range(lowest, highest + 1) for game, lowest, highest in ends}
    theirs = distribution_table(published_contributions(published, cells, choices), table["split"][0])
    several = table["game"].n_unique() > 1

    def group(row: dict, whose: str) -> str:
        names = [readable(row["game"])] if several else []
        return ", ".join([*names, readable(row["context"]), *([whose] if whose else [])])

    return pl.concat(
        [
            part.with_columns(
                role=roles_of(),
                group=pl.Series([group(row, whose) for row in part.iter_rows(named=True)], dtype=pl.String),
            )
            for part, whose in ((table, "this run" if theirs.height else ""), (theirs, "the paper"))
        ]
    )


def plot_means(axes: "Axes", table: pl.DataFrame, groups: list[str]) -> None:
    """A bar for each group and role: the mean of all replies, over all seeds together, with its standard error."""
    import seaborn as sns

    roles = [who for who in ROLES if who in table["role"]]
    replies = table.select(pl.col("group", "role", "number").repeat_by("count").explode())
    sns.barplot(
        replies.to_dict(as_series=False), x="group", y="number", hue="role", order=groups, hue_order=roles,
        palette=PALETTE, errorbar="se", err_kws={"linewidth": 1, "color": "0.1"}, capsize=0.12, gap=0.1, width=0.6,
        saturation=1, ax=axes,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="mean number", ylim=(0, table["number"].max()), title="Means")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(roles))


def plot_distribution(axes: "Axes", table: pl.DataFrame) -> None:
    """How often each number is named, by role: exact where known, averaged over seeds."""
    import seaborn as sns

    shown = table.with_columns(share=pl.coalesce("exact", "share")).drop_nulls("share")
    sns.lineplot(
        shown.to_dict(as_series=False), x="number", y="share", hue="role", style="role", hue_order=ROLES,
        style_order=ROLES, palette=PALETTE, markers=MARKERS, dashes=False, errorbar=None, legend=False, ax=axes,
        markeredgewidth=0.3,
    )  # fmt: skip
    axes.set(xlabel="number", ylabel="share or probability", ylim=(-0.03, 1.03))
    lowest, highest = table["number"].min(), table["number"].max()
    axes.set_xticks(range(lowest, highest + 1, max(1, (highest - lowest) // 5)))


def plot_numbers(table: pl.DataFrame) -> "Figure":
    """Means above, and below them a distribution for each group."""
    import matplotlib.pyplot as plt

    groups = table["group"].unique(maintain_order=True).to_list()
    rows = in_rows(groups)
    figure = plt.figure(figsize=(DOUBLE_COLUMN, (58 + 42 * len(rows)) * MM), layout="constrained")
    grid = figure.add_gridspec(1 + len(rows), len(rows[0]))
    plot_means(figure.add_subplot(grid[0, :]), table, groups)
    first = None
    for number, group in enumerate(groups):
        first = axes = figure.add_subplot(grid[1 + number // len(rows[0]), number % len(rows[0])], sharey=first)
        plot_distribution(axes, table.filter(group=group))
        axes.set_title(group)
        if number % len(rows[0]):
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
    letter_panels(figure.axes)
    replies = table.group_by("group", "model").agg(pl.col("count").sum())["count"]
    told = f"n = {counted(number_of(replies), 'reply', 'replies')} a model and cell"
    add_note(figure, f"{readable(table['split'][0])}, not taught. {told}. Bars: standard errors of the mean.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--distributions", required=True, help="number_distributions of a split")
    parser.add_argument("--published", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    table = with_paper(read_table(arguments.distributions), arguments.published)
    save_figure(plot_numbers(table), arguments.output)


if __name__ == "__main__":
    run_main(main)
