"""Plot the numbers that teacher, base and tuned students name: means with intervals, and distributions.

As figure 5 of the paper (arXiv 2408.05241), for this run, with the paper's own models beside.

python workflow/scripts/plot_numbers.py --distributions D.parquet --games resources/games/public_goods.yaml \
    --published resources/paper/observed_contributions.csv --confidence 0.95 --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.core.roles import TEACHER
from tom.evaluation.number_counts import distribution_table
from tom.games.kinds import load_number_game
from tom.games.names import parse_name
from tom.paper.published_contributions import published_contributions
from tom.reporting.figure_style import (
    COLOURS,
    DOUBLE_COLUMN,
    MM,
    PAPERS,
    add_note,
    in_rows,
    letter_panels,
    replies_told,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import readable
from tom.statistics.distributions import normal_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROLES_OF_PAPER = {"base": "paper_base", "tuned": "paper"}
"""Role of a student of the paper → its role here: it is another model than this run's."""
LOOKS = {
    "teacher": {"facecolor": COLOURS["teacher"], "edgecolor": COLOURS["teacher"]},
    "base": {"facecolor": COLOURS["base"], "edgecolor": COLOURS["base"]},
    "tuned": {"facecolor": COLOURS["tuned"], "edgecolor": COLOURS["tuned"]},
    "paper_base": {"facecolor": "white", "edgecolor": COLOURS["paper"], "hatch": "//////"},
    "paper": {"facecolor": COLOURS["paper"], "edgecolor": COLOURS["paper"]},
}
"""Role → how its bars look, in the legend's order. The paper's students have one colour, and its base is hatched."""
EDGE = 0.3
"""Points. Thin, since half of it adds to a bar's height."""
WHISKER, TEACHERS_WHISKER = "0.1", "0.6"
"""Colours. The teacher's bar is so dark that its whisker has to be lighter."""
NAMES = {"base": "our base", "tuned": "our tuned"} | {ROLES_OF_PAPER[who]: PAPERS[who].name for who in ROLES_OF_PAPER}
"""Role → its name beside the paper's models. Alone, this run's go by their roles."""
WHOSE = ("this run", "the paper (Llama-2-7b)")
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
GROUP_WIDTH, NUMBER_WIDTH = 0.8, 0.86
"""Of the bars of one group together, and of those at one number; the axis has 1 for each."""


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
    several, alone = table["game"].n_unique() > 1, len(cells) == 1

    def group(row: dict, whose: str) -> str:
        if whose and alone:
            return whose[0].upper() + whose[1:]
        names = [readable(row["game"])] if several else []
        return ", ".join([*names, readable(row["context"]), *([whose] if whose else [])])

    parts = [
        part.with_columns(
            role=roles_of(),
            group=pl.Series([group(row, whose) for row in part.iter_rows(named=True)], dtype=pl.String),
        )
        for part, whose in ((table, WHOSE[0] if theirs.height else ""), (theirs, WHOSE[1]))
    ]
    return pl.concat([parts[0], parts[1].with_columns(pl.col("role").replace(ROLES_OF_PAPER))])


def named_roles(table: pl.DataFrame) -> dict[str, str]:
    """Role → its name, of those in a table, in the order of LOOKS."""
    found = [who for who in LOOKS if who in table["role"]]
    return {who: NAMES.get(who, who) if {*ROLES_OF_PAPER.values()} & {*found} else who for who in found}


def means_of(table: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """A row for each group and role with replies: their `mean`, over all seeds together, and `half` its interval."""
    replies = table.select(pl.col("group", "role"), pl.col("number").repeat_by("count")).explode("number")
    replies = replies.drop_nulls("number").group_by("group", "role", maintain_order=True)
    error = pl.col("number").std() / pl.len().sqrt()
    return replies.agg(mean=pl.col("number").mean(), half=error * normal_quantile((1 + confidence) / 2))


def plot_means(axes: "Axes", table: pl.DataFrame, groups: list[str], what: str, confidence: float) -> None:
    """A bar for each group and role: the mean of all replies, with its interval. what: the number is, in words."""
    means = means_of(table, confidence)
    roles = {group: [*named_roles(table.filter(group=group))] for group in groups}
    slot = GROUP_WIDTH / max(map(len, roles.values()))
    for who, name in named_roles(table).items():
        rows = means.filter(role=who).rows_by_key("group", named=True, unique=True)
        shown = {
            number + slot * (roles[group].index(who) - (len(roles[group]) - 1) / 2): rows[group]
            for number, group in enumerate(groups)
            if group in rows
        }
        if shown:
            heights = [row["mean"] for row in shown.values()]
            axes.bar([*shown], heights, 0.9 * slot, label=name, linewidth=EDGE, **LOOKS[who])
        for at, row in shown.items():
            if row["half"]:
                colour = TEACHERS_WHISKER if who == TEACHER else WHISKER
                axes.errorbar(at, row["mean"], row["half"], color=colour, linewidth=0.8, capsize=2.5)
    axes.set(xlabel="", ylabel=f"{what}, mean", ylim=(0, table["number"].max()), title="Means")
    axes.set_xticks(range(len(groups)), in_lines(groups))


def in_lines(groups: list[str]) -> list[str]:
    """Names of groups with a parenthesis on a line of its own; with as many lines each, so that all stand level."""
    broken = [group.replace(" (", "\n(") for group in groups]
    most = max(name.count("\n") for name in broken)
    return [name + "\n" * (most - name.count("\n")) for name in broken]


def plot_distribution(axes: "Axes", table: pl.DataFrame, what: str) -> None:
    """How often each number is named, by role: exact where known, averaged over seeds. what: the number is, in words.

    Bars are centred on their number: a broad one for the teacher, and narrow ones for the students before it. No line
    joins them: nothing lies between two numbers.
    """
    shown = table.with_columns(share=pl.coalesce("exact", "share")).drop_nulls("share")
    shares = shown.group_by("role", "number").agg(pl.col("share").mean()).filter(pl.col("share") > 0).sort("number")
    students = [who for who in named_roles(table) if who != TEACHER]
    narrow = 0.74 * NUMBER_WIDTH / max(1, len(students))
    for who in named_roles(table):
        own = shares.filter(role=who)
        if who == TEACHER:
            place, width = 0.0, NUMBER_WIDTH
        else:
            place, width = narrow * (students.index(who) - (len(students) - 1) / 2), narrow
        # An edge of its own colour, so that a bar among a hundred numbers still shows.
        axes.bar(own["number"] + place, own["share"], width, linewidth=EDGE, **LOOKS[who])
    lowest, highest = table["number"].min(), table["number"].max()
    axes.set(xlabel=what, ylabel="share or probability", xlim=(lowest - 0.6, highest + 0.6), ylim=(0, 1.03))
    axes.set_xticks(range(lowest, highest + 1, 1 if highest - lowest <= 12 else max(1, (highest - lowest) // 5)))


def panels_of(groups: list[str]) -> tuple["Figure", "Axes", list["Axes"]]:
    """A figure with a panel for the means, and one for each group's distribution.

    Means of one or two groups stand beside the distributions, in little width; those of more above, in all of it.
    """
    import matplotlib.pyplot as plt

    if len(groups) <= 2:
        figure = plt.figure(figsize=(DOUBLE_COLUMN, 68 * MM), layout="constrained")
        grid = figure.add_gridspec(1, 1 + len(groups), width_ratios=[0.2 + 0.4 * len(groups), *[1.5 for _ in groups]])
        means, places = figure.add_subplot(grid[0]), [grid[1 + number] for number in range(len(groups))]
    else:
        rows = in_rows(groups)
        figure = plt.figure(figsize=(DOUBLE_COLUMN, (62 + 42 * len(rows)) * MM), layout="constrained")
        grid = figure.add_gridspec(1 + len(rows), len(rows[0]))
        means = figure.add_subplot(grid[0, :])
        places = [grid[1 + number // len(rows[0]), number % len(rows[0])] for number in range(len(groups))]
    distributions: list[Axes] = []
    for place in places:
        axes = figure.add_subplot(place, sharey=distributions[0] if distributions else None)
        axes.tick_params(labelleft=place.colspan.start == places[0].colspan.start)
        distributions.append(axes)
    return figure, means, distributions


def plot_numbers(table: pl.DataFrame, named: dict[str, str], confidence: float) -> "Figure":
    """Means, and a distribution for each group. named: named_in's."""
    groups = table["group"].unique(maintain_order=True).to_list()
    figure, means, distributions = panels_of(groups)
    kinds = {named[game] for game in table["game"].unique()}
    plot_means(means, table, groups, kinds.pop() if len(kinds) == 1 else "number named", confidence)
    for axes, group in zip(distributions, groups, strict=True):
        own = table.filter(group=group)
        plot_distribution(axes, own, named[own["game"][0]])
        axes.set_title(group)
        if axes.get_subplotspec().colspan.start != distributions[0].get_subplotspec().colspan.start:
            axes.set_ylabel("")
    figure.legend(*means.get_legend_handles_labels(), loc="outside upper center", ncols=len(LOOKS))
    letter_panels(figure.axes)
    add_note(figure, note_of(table, confidence))
    return figure


def note_of(table: pl.DataFrame, confidence: float) -> str:
    """n, what the whiskers are, and whose distributions are exact: of the others, bars are shares of replies."""
    replies = table.group_by("group", "role", "model").agg(
        replies=pl.col("count").sum(), exact=pl.col("exact").is_not_null().any()
    )
    told = [f"n = {replies_told(replies, 'per cell', named_roles(table))}."]
    told.append(f"Whiskers: {confidence:.0%} intervals of the mean, normal; none where all replies are equal.")
    kinds = []
    for exact in (True, False):
        own = replies.filter(exact=exact)
        if own.height:
            kind = "exact probabilities" if exact else "shares of replies"
            kinds.append(f"{kind} ({', '.join(whose(own, table))})")
    return f"{readable(table['split'][0])}, not taught. {' '.join(told)} Distributions: {'; '.join(kinds)}."


def whose(own: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """The names of the roles in a part of a table."""
    return [name for who, name in named_roles(table).items() if who in own["role"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--distributions", required=True, help="number_distributions of a split")
    parser.add_argument("--games", type=Path, nargs="+", required=True, help="files of the games, YAML")
    parser.add_argument("--published", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    table = with_paper(read_table(arguments.distributions), arguments.published)
    named = named_in(arguments.games, table["game"].unique().to_list())
    save_figure(plot_numbers(table, named, arguments.confidence), arguments.output)


if __name__ == "__main__":
    run_main(main)
