"""Plot the numbers that teacher, base and tuned students name: means with standard errors, and distributions.

As figure 5 of the paper (arXiv 2408.05241), for this run, with the paper's own models beside.

python workflow/scripts/plot_numbers.py --distributions D.parquet --games resources/games/public_goods.yaml \
    --published resources/paper/observed_contributions.csv --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.evaluation.number_counts import distribution_table
from tom.games.kinds import load_number_game
from tom.games.names import parse_name
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
NAMED = {
    "public_goods": "dollars given",
    "dictator": "dollars given",
    "ultimatum_proposer": "dollars offered",
    "ultimatum_responder": "dollars, the least accepted",
    "trust_sender": "dollars sent",
    "trust_returner": "dollars returned",
    "travellers_dilemma": "dollars claimed",
    "beauty_contest": "number chosen",
}
"""Question of a game → what the number is."""
STEM = {"linewidth": 1.1, "zorder": 2}
APART = 0.66
"""How far apart the first and the last model stand at a number, as a share of the axis from one number to the next."""


def named_in(files: list[Path], games: list[str]) -> dict[str, str]:
    """Game → what its number is. files: of the games; several games may have one, at different scales."""
    by_stem = {file.stem: file for file in files}
    return {game: NAMED[load_number_game(by_stem[parse_name(game).stem], game).question] for game in games}


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


def plot_means(axes: "Axes", table: pl.DataFrame, groups: list[str], what: str) -> None:
    """A bar for each group and role: the mean of all replies, over all seeds together, with its standard error.

    what: the number is, in words.
    """
    import seaborn as sns

    roles = [who for who in ROLES if who in table["role"]]
    replies = table.select(pl.col("group", "role", "number").repeat_by("count").explode())
    sns.barplot(
        replies.to_dict(as_series=False), x="group", y="number", hue="role", order=groups, hue_order=roles,
        palette=PALETTE, errorbar="se", err_kws={"linewidth": 1, "color": "0.1"}, capsize=0.12, gap=0.1, width=0.6,
        saturation=1, ax=axes,
    )  # fmt: skip
    axes.set(xlabel="", ylabel=f"{what}, mean", ylim=(0, table["number"].max()), title="Means")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(roles))


def plot_distribution(axes: "Axes", table: pl.DataFrame, what: str) -> None:
    """How often each number is named, by role: exact where known, averaged over seeds. what: the number is, in words.

    A mark on a stem for each number that is named. No line joins them: nothing lies between two of them.
    """
    shown = table.with_columns(share=pl.coalesce("exact", "share")).drop_nulls("share")
    shares = shown.group_by("role", "number").agg(pl.col("share").mean()).filter(pl.col("share") > 0).sort("number")
    roles = [who for who in ROLES if who in table["role"]]
    for place, who in enumerate(roles):
        own = shares.filter(role=who)
        at = own["number"] + APART * ((place + 0.5) / len(roles) - 0.5)
        axes.vlines(at, 0, own["share"], color=PALETTE[who], **STEM)
        axes.plot(at, own["share"], marker=MARKERS[who], color=PALETTE[who], linestyle="none", markersize=3.5)
    lowest, highest = table["number"].min(), table["number"].max()
    axes.set(xlabel=what, ylabel="share or probability", xlim=(lowest - 0.6, highest + 0.6), ylim=(0, 1.03))
    axes.set_xticks(range(lowest, highest + 1, max(1, (highest - lowest) // 5)))


def plot_numbers(table: pl.DataFrame, named: dict[str, str]) -> "Figure":
    """Means above, and below them a distribution for each group. named: named_in's."""
    import matplotlib.pyplot as plt

    groups = table["group"].unique(maintain_order=True).to_list()
    rows = in_rows(groups)
    figure = plt.figure(figsize=(DOUBLE_COLUMN, (58 + 42 * len(rows)) * MM), layout="constrained")
    grid = figure.add_gridspec(1 + len(rows), len(rows[0]))
    kinds = {named[game] for game in table["game"].unique()}
    plot_means(figure.add_subplot(grid[0, :]), table, groups, kinds.pop() if len(kinds) == 1 else "number named")
    first = None
    for number, group in enumerate(groups):
        first = axes = figure.add_subplot(grid[1 + number // len(rows[0]), number % len(rows[0])], sharey=first)
        own = table.filter(group=group)
        plot_distribution(axes, own, named[own["game"][0]])
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
    parser.add_argument("--games", type=Path, nargs="+", required=True, help="files of the games, YAML")
    parser.add_argument("--published", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    table = with_paper(read_table(arguments.distributions), arguments.published)
    save_figure(plot_numbers(table, named_in(arguments.games, table["game"].unique().to_list())), arguments.output)


if __name__ == "__main__":
    run_main(main)
