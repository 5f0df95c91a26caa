import math
import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import plot_agreement
import plot_gap_closed
import plot_order_bias
import plot_paper
import plot_propensities
import plot_training_curve
import polars as pl
import pytest
from made_tables import made_tables
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D

from tom.core.errors import UserError
from tom.paper.published_choices import published_propensities, teacher_is_published
from tom.reporting.context_marks import add_context_legend, context_marks, contexts_of
from tom.reporting.figure_style import (
    CLOSED_RANGE,
    COLOURS,
    draw_closed,
    panel_grid,
    save_figure,
    set_closed_axis,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import readable


@pytest.fixture(scope="module")
def tables(resources):
    use_style()
    return made_tables(resources)


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    rows = {"epoch": [1, 1, 2, 2], "step": [1, 2, 3, 4], "group": ["a", "b"] * 2, "loss": [1.0, 0.8, 0.6, 0.4]}
    rows |= {"learning_rate": [1e-4] * 4, "validation_loss": [None, 0.9, None, 0.7]}
    for seed in (1, 2):
        (folder / f"seed{seed}").mkdir()
        pl.DataFrame(rows).write_csv(folder / f"seed{seed}" / "curve.csv")
    return sorted(folder.glob("*/curve.csv"))


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


SCRIPTS = [plot_propensities, plot_agreement, plot_gap_closed, plot_order_bias, plot_training_curve, plot_paper]


@pytest.mark.parametrize("script", SCRIPTS)
def test_figures_are_whole_and_the_same_every_time(script, tables, curves, resources, tmp_path, monkeypatch):
    for name in ("propensities", "alignment"):
        tables[name].write_parquet(tmp_path / f"{name}.parquet")
    propensities = ["--propensities", str(tmp_path / "propensities.parquet")]
    published = str(resources / "paper" / "observed_choices.csv")
    arguments = {
        plot_propensities: [*propensities, "--split", "in_sample", "--confidence", "0.95"],
        plot_agreement: [*propensities, "--confidence", "0.95"],
        plot_order_bias: propensities,
        plot_gap_closed: ["--alignment", str(tmp_path / "alignment.parquet"), *propensities, "--published", published],
        plot_training_curve: ["--curves", *map(str, curves)],
        plot_paper: ["--published", published, "--split", "doubled_payoffs", "--confidence", "0.95"],
    }[script]
    written = []
    for attempt in ("first", "second"):
        outputs = [tmp_path / attempt / f"figure.{kind}" for kind in ("pdf", "png", "svg")]
        monkeypatch.setattr(sys, "argv", [script.__name__, *arguments, "--output", *map(str, outputs)])
        script.main()
        written.append([file.read_bytes() for file in outputs])
    pdf, png, svg = written[0]
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    assert b"<dc:date>" not in svg
    assert written[0] == written[1]


def test_propensities_show_every_model_in_every_context(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    assert set(cells["view"]) == {"both"}
    assert set(plot_propensities.cells_of(tables["propensities"], "in_sample", "fixed")["view"]) == {"fixed"}
    figure = plot_propensities.plot_split(cells, 0.95)
    assert [axes.get_title("left") for axes in figure.axes] == [
        r"$\mathbf{a}$  Business",
        r"$\mathbf{b}$  Friendship",
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Prisoner's dilemma", "Stag hunt"]
    # Filled and open markers of teacher, base and two tuned students, then the line between the two games.
    assert len(figure.axes[0].lines) == 4 * 2 + 1
    teacher = figure.axes[0].lines[0]
    assert teacher.get_xdata() == pytest.approx([0.2, 0.2])
    # An open mark never lies on the filled one, and no two models share a line.
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines[: 4 * 2]]
    assert heights == sorted(heights) and min(b - a for a, b in pairwise(heights)) > 0.05


def legend_of(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_propensities_say_nothing_of_invalid_replies_where_there_are_none(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    figure = plot_propensities.plot_split(cells, 0.95)
    assert legend_of(figure) == ["teacher", "base", "tuned", "filled: rate of replies", "open, below: exact propensity"]
    # An interval for each of four models, and no band.
    assert len(figure.axes[0].collections) == 4


def looks_of(lines) -> set[tuple]:
    return {
        (to_hex(line.get_color()), line.get_marker(), to_hex(line.get_markerfacecolor()), line.get_markersize())
        for line in lines
    }


def test_the_legend_has_the_marks_of_rates_and_of_exact_propensities_as_they_are_drawn(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    teacher = pl.col("model") == "teacher"
    known = cells.with_columns(exact=pl.when(~teacher).then("exact"), rate=pl.col("rate"))
    figure = plot_propensities.plot_split(known, 0.95)
    drawn = [line for line in figure.axes[0].lines if line.get_marker() != "None" and len(line.get_xdata())]
    drawn = [line for line in drawn if not all(x is None or x != x for x in line.get_xdata())]
    figure.draw_without_rendering()
    shown = [line for line in figure.legends[0].findobj(Line2D) if line.get_linestyle() == "None"]
    assert looks_of(shown) == looks_of(drawn) and len(looks_of(drawn)) == 5
    # Where nothing is exact, nothing has to be told apart.
    figure = plot_propensities.plot_split(known.with_columns(exact=pl.lit(None, pl.Float64)), 0.95)
    assert legend_of(figure) == ["teacher", "base", "tuned"]


def test_a_caption_says_whose_replies_it_counts(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    told = " ".join(plot_propensities.plot_split(cells, 0.95).get_supxlabel().split())
    assert "n = 300 replies per cell (teacher, base, tuned)." in told
    fewer = pl.when(pl.col("model") == "base").then(40).otherwise("observations")
    figure = plot_propensities.plot_split(cells.with_columns(observations=fewer), 0.95)
    assert "n = 300 replies per cell (teacher, tuned), 40 (base)." in " ".join(figure.get_supxlabel().split())


def test_the_papers_models_have_their_own_looks(resources):
    table = published_propensities(resources / "paper" / "observed_choices.csv", "in_sample", 0.95)
    figure = plot_propensities.plot_split(table.filter(level="cell"), 0.95, plot_paper.SOURCE, plot_paper.LOOKS)
    assert legend_of(figure) == [
        "teacher (Llama-2-70b)", "paper's base (Llama-2-7b)", "paper's tuned (Llama-2-7b)",
    ]  # fmt: skip
    marked = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    colours = [line.get_color() for line in marked if not all(x is None or x != x for x in line.get_xdata())]
    assert colours == [COLOURS["teacher"], COLOURS["paper_base"], COLOURS["paper"]]


def test_a_caption_stands_apart_where_a_text_is_asked_for(tables, tmp_path):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    files = [tmp_path / "figure.png", tmp_path / "figure.txt"]
    whole, bare = (plot_propensities.plot_split(cells, 0.95) for _ in range(2))
    note, panel = whole.get_supxlabel(), panel_sizes(whole)
    save_figure(bare, files)
    assert files[1].read_text(encoding="utf-8") == " ".join(note.split()) + "\n"
    assert not bare.get_supxlabel() and bare.get_figwidth() == whole.get_figwidth()
    assert bare.get_figheight() < whole.get_figheight()
    assert panel_sizes(bare) == pytest.approx(panel, rel=1e-3)
    # A caption below the figure leaves none beside it.
    save_figure(whole, files[:1])
    assert not files[1].exists()


def panel_sizes(figure) -> list[float]:
    """The heights of its panels, in inches."""
    figure.draw_without_rendering()
    return [axes.get_position().height * figure.get_figheight() for axes in figure.axes]


def test_invalid_replies_are_a_band_and_a_share(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample")
    unread = (pl.col("model") == "base") & (pl.col("context") == "business") & (pl.col("game") == "stag_hunt")
    cells = cells.with_columns(
        invalid=pl.when(unread).then(30).otherwise("invalid"),
        all_invalid_defect=pl.when(unread).then(0.7).otherwise("all_invalid_defect"),
        all_invalid_cooperate=pl.when(unread).then(0.8).otherwise("all_invalid_cooperate"),
    )
    figure = plot_propensities.plot_split(cells, 0.95)
    # 30 of the base's 4 cells of 300.
    assert "base, 2.5% unreadable" in legend_of(figure)
    assert {"teacher", "tuned"} < set(legend_of(figure))
    business, friendship = (axes.collections for axes in figure.axes[:2])
    assert len(friendship) == 4
    (band,) = [lines for lines in business if lines.get_alpha()]
    assert [segment[:, 0].tolist() for segment in band.get_segments()] == [[0.7, 0.8]]


def test_many_games_are_points_over_the_teachers_propensity(tables):
    cells = plot_propensities.cells_of(tables["propensities"], "in_sample").with_columns(exact=None)
    many = pl.concat(
        cells.with_columns(
            game=pl.lit(f"drawn-{number}"), rate=pl.when(pl.col("model") == "teacher").then(0.5).otherwise(0.75)
        ).unique(["game", "context", "model"], maintain_order=True)
        for number in range(plot_propensities.MOST_LINES + 1)
    )
    figure = plot_propensities.plot_split(many, 0.95)
    assert legend_of(figure) == ["base, 0.250 away on average", "tuned, 0.250 away on average"]
    base, tuned = figure.axes[0].collections
    assert base.get_offsets().tolist() == [[0.5, 0.75]] * (plot_propensities.MOST_LINES + 1)
    assert len(tuned.get_offsets()) == 2 * (plot_propensities.MOST_LINES + 1)
    # Where no teacher answered, the base takes its place.
    figure = plot_propensities.plot_split(many.filter(pl.col("model") != "teacher"), 0.95)
    assert legend_of(figure) == ["tuned, 0.000 away on average"]


def test_agreement_averages_seeds(tables):
    pairs = plot_agreement.pairs_of(tables["propensities"], 0.95)
    tuned = pairs.filter(split="in_sample", student="tuned", game="stag_hunt").sort("teacher")
    assert tuned["teacher"].to_list() == pytest.approx([0.2, 0.6])
    assert tuned["propensity"].to_list() == pytest.approx([0.25, 0.65])
    assert pairs.height == 3 * 4 * 2


def test_agreement_has_intervals_of_rates_and_none_of_exact_propensities(tables):
    known = plot_agreement.pairs_of(tables["propensities"], 0.95)
    assert known.select("low", "high").null_count().row(0) == (known.height,) * 2
    assert (known["teacher_low"] < known["teacher"]).all() and (known["teacher"] < known["teacher_high"]).all()
    bars = "Bars: 95% Jeffreys intervals, n = 300 replies per cell (teacher)."
    assert plot_agreement.bars_of(known, 0.95) == f"{bars} Exact, so without an interval: base, tuned."
    sampled = plot_agreement.pairs_of(tables["propensities"].with_columns(exact=pl.lit(None, pl.Float64)), 0.95)
    widths = sampled.with_columns(width=pl.col("high") - pl.col("low")).group_by("student").agg(pl.col("width").mean())
    # Two seeds have twice the replies of the base.
    assert dict(widths.rows())["tuned"] < 0.85 * dict(widths.rows())["base"]
    # n is of the replies that an interval is of: of both seeds.
    words = "Bars: 95% Jeffreys intervals, n = 300 replies per cell (teacher, base), 600 (tuned)."
    assert plot_agreement.bars_of(sampled, 0.95) == words
    figure = plot_agreement.plot_pairs(sampled, 0.95)
    assert figure.get_figwidth() == pytest.approx(183 / 25.4)
    titles = [axes.get_title("left").partition("$  ")[2] for axes in figure.axes]
    splits = ["in sample", "doubled payoffs", "out of sample contexts"]
    assert titles == [f"{student}, {split}" for student in ("Base", "Tuned") for split in splits]


def distance(one: str, other: str) -> float:
    """Between two colours, in Oklab (Ottosson 2020): 1 between black and white."""
    cones = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
             [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    axes = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip

    def oklab(colour: str) -> np.ndarray:
        shares = np.array(to_rgb(colour))
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return np.array(axes) @ np.cbrt(np.array(cones) @ linear)

    return float(np.linalg.norm(oklab(one) - oklab(other)))


def test_contexts_have_marks_that_differ_and_stand_in_two_groups():
    taught = ["business", "diplomacy", "environment", "friendship", "teamwork"]
    new = ["investors", "roommates", "sports"]
    splits = ["out_of_sample_contexts"] * 3 + ["in_sample"] * 5 + ["doubled_payoffs"] * 5
    table = pl.DataFrame({"split": splits, "context": new + taught + taught})
    groups = contexts_of(table)
    assert groups == {"taught": taught, "not taught": new}
    marks = context_marks(groups)
    assert len({mark.colour for mark in marks.values()}) == len({mark.marker for mark in marks.values()}) == 8
    # None of them is, or is near, the colour of a model.
    for mark in marks.values():
        assert min(distance(mark.colour, colour) for colour in COLOURS.values()) > 0.1
    figure, _ = panel_grid([["In sample"]], 60)
    add_context_legend(figure, groups)
    names = [readable(name) for name in taught], [readable(name) for name in new]
    assert legend_of(figure) == ["taught:", *names[0], "not taught:", *names[1]]
    # One group where all contexts were taught, and no legend that would fill the page.
    assert contexts_of(table.filter(split="in_sample")) == {"taught": taught}
    many, _ = panel_grid([["In sample"]], 60)
    add_context_legend(many, {"taught": [f"context-{number}" for number in range(30)]})
    assert not many.legends


def test_order_bias_leaves_out_who_was_asked_in_one_order(tables):
    propensities = tables["propensities"].with_columns(pooled=pl.col("model") == "teacher")
    propensities = propensities.with_columns(
        exact=pl.when(pl.col("model") == "base")
        .then(pl.when(view="fixed").then(0.9).when(view="swapped").then(0.1).otherwise("exact"))
        .otherwise("exact")
    )
    rows = plot_order_bias.rows_of(propensities)
    assert set(rows["role"]) == {"base", "tuned"} and rows.height == 3 * 4 * 2
    assert rows.filter(role="base").select("fixed", "swapped").unique().rows() == [(0.9, 0.1)]
    figure = plot_order_bias.plot_order_bias(rows)
    assert legend_of(figure) == ["base", "tuned"]
    # A thin line for each of four cells, then a thick one for the mean of each of the two contexts.
    base = [line for line in figure.axes[0].lines if line.get_color() == COLOURS["base"]]
    assert [line.get_linewidth() > 1 for line in base] == [False] * 4 + [True] * 2
    assert [line.get_ydata().tolist() for line in base[4:]] == [pytest.approx([0.9, 0.1])] * 2
    assert len({line.get_marker() for line in base[4:]}) == 2
    # Cells go on beyond the marks, where no mean lies over them.
    ends = [segment.ravel().tolist() for found in figure.axes[0].collections for segment in found.get_segments()]
    assert [pytest.approx(1), pytest.approx(0.1), pytest.approx(1.1), pytest.approx(0.1)] in ends
    assert len(ends) == 2 * 2 * 4  # roles, orders, cells


def test_order_bias_has_the_mean_of_each_context_and_none_over_them(tables):
    rows = plot_order_bias.rows_of(tables["propensities"]).filter(split="in_sample", role="tuned")
    figure = plot_order_bias.plot_order_bias(rows)
    drawn = [line.get_ydata().tolist() for line in figure.axes[0].lines if line.get_linewidth() > 1]
    expected = rows.group_by("context", maintain_order=True).agg(pl.mean("fixed", "swapped")).drop("context").rows()
    assert drawn == [pytest.approx(mean) for mean in expected] and len(drawn) == 2


def test_gap_closed_prefers_exact_rows_and_keeps_the_papers(tables):
    rows = plot_gap_closed.rows_of(tables["alignment"], ["in_sample"])
    measures = dict(rows.filter(split="in_sample", view="fixed").select("predictor", "measure").rows())
    assert measures.pop("paper_tuned") == "sampled"
    assert set(measures) == set(plot_gap_closed.PREDICTORS) - {"paper_tuned", "paper_chance"}
    assert set(measures.values()) == {"exact"}


def test_the_papers_student_stands_only_beside_its_own_teacher(tables):
    def told(papers: list[str]) -> tuple[set[str], str]:
        figure = plot_gap_closed.plot_gap_closed(plot_gap_closed.rows_of(tables["alignment"], papers))
        labels = {label.get_text() for axes in figure.axes for label in axes.get_yticklabels()}
        return labels, figure.get_supxlabel()

    labels, note = told(["in_sample"])
    assert "paper's student" in labels and "It starts from another base" in note
    assert "Noise ceiling: a mean, without interval." in note.replace("\n", " ")
    labels, note = told([])
    assert "tuned student" in labels and not any("paper" in label for label in labels) and "paper" not in note


def test_the_papers_student_has_panels_of_its_own_below_the_rest(tables, resources):
    published = resources / "paper" / "observed_choices.csv"
    rows = plot_gap_closed.rows_of(tables["alignment"], ["in_sample", "doubled_payoffs"])
    figure = plot_gap_closed.plot_gap_closed(plot_gap_closed.with_paper_chance(rows, published))
    figure.canvas.draw()
    # A row of panels for both orders, one for the paper's order, and the paper's own where it has the split.
    assert len(figure.axes) == 3 + 3 + 2
    first = [axes for axes in figure.axes if axes.get_ylabel()]
    assert [axes.get_ylabel() for axes in first] == ["both option orders", "paper's order", "the paper"]
    named = [[label.get_text() for label in axes.get_yticklabels()] for axes in first]
    assert named[2] == ["paper's student", "chance"]
    assert not any("paper" in name for names in named[:2] for name in names)
    ends = [[label.get_text() for label in axes.get_xticklabels(minor=True)] for axes in first]
    assert ends[1:] == [["this run's base", "teacher"], ["the paper's base", "teacher"]]
    # All numbers of an axis stand level, and the names of 0 and 100 below them.
    for axes in first[1:]:
        boxes, below = (
            [label.get_window_extent() for label in axes.get_xticklabels(minor=minor)] for minor in (False, True)
        )
        assert len({round(box.y0, 3) for box in boxes}) == 1 and len(boxes) > 2
        assert all(under.y1 < box.y0 for under in below for box in boxes)
    # The labels of the rows stand under one another, and a split is named once.
    places = [axes.yaxis.label.get_window_extent().x1 for axes in first]
    assert places == pytest.approx([places[0]] * 3)
    titles = [axes.get_title("left").partition("$  ")[2] for axes in figure.axes]
    assert titles[:3] == [readable(split) for split in ("in_sample", "doubled_payoffs", "out_of_sample_contexts")]
    assert not any(titles[3:])


def test_chance_closes_another_share_of_the_papers_gap(tables, resources):
    rows = plot_gap_closed.rows_of(tables["alignment"], ["in_sample", "doubled_payoffs", "out_of_sample_contexts"])
    rows = plot_gap_closed.with_paper_chance(rows, resources / "paper" / "observed_choices.csv")
    chance = dict(rows.filter(predictor="paper_chance").select("split", "gap_closed").rows())
    assert {split: round(100 * share) for split, share in chance.items()} == {
        "in_sample": 49, "doubled_payoffs": 46, "out_of_sample_contexts": 51,
    }  # fmt: skip
    assert rows.filter(predictor="paper_chance").select("low", "high").null_count().row(0) == (3, 3)


def test_a_teacher_is_the_papers_where_cells_and_rates_are(tables, resources):
    published = resources / "paper" / "observed_choices.csv"
    theirs = published_propensities(published, "in_sample", 0.95)
    assert teacher_is_published(theirs, published, "in_sample")
    assert not teacher_is_published(theirs, published, "doubled_payoffs")
    assert not teacher_is_published(theirs.with_columns(split=pl.lit("our_own")), published, "our_own")
    # Another teacher in the same cells, the same one in fewer of them, and another one in others.
    other = theirs.with_columns(rate=pl.when(game="stag_hunt", context="business").then(0.5).otherwise("rate"))
    assert not teacher_is_published(other, published, "in_sample")
    assert not teacher_is_published(theirs.filter(pl.col("context") != "business"), published, "in_sample")
    assert not teacher_is_published(tables["propensities"], published, "in_sample")


def test_a_gap_closed_off_the_axis_is_an_arrow_with_its_number():
    rows = {"gap_closed": [-2.48, 0.5, -0.5], "low": [-3.26, 0.4, -1.4], "high": [-1.7, 0.6, 0.1]}
    rows = pl.DataFrame(rows)
    _, [(axes, _)] = panel_grid([["In sample"]], 40)
    set_closed_axis(axes, rows)
    left, right = axes.get_xlim()
    assert CLOSED_RANGE[0] - 0.1 < left <= CLOSED_RANGE[0] and 1 < right < 1.2
    for height, row in enumerate(rows.iter_rows(named=True)):
        draw_closed(axes, row, height, "black", "o")
    assert [text.get_text() for text in axes.texts] == ["−248 (−326 to −170)", "−140"]
    marks = [
        (line.get_marker(), *line.get_xdata(), *line.get_ydata()) for line in axes.lines if line.get_marker() != "None"
    ]
    assert marks == [("<", left, 0), ("o", 0.5, 1), ("o", -0.5, 2), ("<", left, 2)]


def test_no_predictor_without_a_number_has_a_line(tables):
    rows = plot_gap_closed.rows_of(tables["alignment"], [])
    rows = rows.with_columns(gap_closed=pl.when(predictor="offset").then(None).otherwise("gap_closed"))
    for axes in plot_gap_closed.plot_gap_closed(rows).axes:
        assert "base + offset" not in [label.get_text() for label in axes.get_yticklabels()]


def epoch_means(figure) -> list[list[float]]:
    """The ends of each epoch's segment, x and y in turn."""
    (means,) = figure.axes[0].collections
    return [segment.ravel().tolist() for segment in means.get_segments()]


def test_training_curves_are_named_by_seed(curves, tmp_path):
    assert [plot_training_curve.label_of(file) for file in curves] == ["seed 1", "seed 2"]
    figure = plot_training_curve.plot_curves({"seed 1": plot_training_curve.read_curve(curves[0])})
    step, validation = figure.axes[0].lines
    assert step.get_ydata() == pytest.approx([1.0, 0.8, 0.6, 0.4])
    # The mean of each epoch lies over its own two steps.
    first, second = epoch_means(figure)
    assert first == pytest.approx([0.5, 0.9, 2.5, 0.9]) and second == pytest.approx([2.5, 0.5, 4.5, 0.5])
    assert validation.get_xydata().tolist() == [[2, 0.9], [4, 0.7]]
    assert [axes.get_title("left").partition("$  ")[2] for axes in figure.axes] == ["Loss", "Learning rate"]
    figure.canvas.draw()
    assert not figure.axes[1].yaxis.get_offset_text().get_text()
    assert float(figure.axes[1].get_yticklabels()[-1].get_text().replace("\N{MINUS SIGN}", "-")) > 0


def loss_report(*prompts: dict[str, int], distinct: int = 2) -> dict:
    """A report of prompts whose replies have these counts, each of two tokens."""
    return {
        "examples": [
            {
                "distinct_replies": distinct,
                "supervised_tokens": 2 * sum(counts.values()),
                "replies": [{"count": count} for count in counts.values()],
            }
            for counts in prompts
        ]
    }


def test_no_loss_is_below_the_entropy_of_the_replies(curves):
    coin = loss_report({"C": 150, "D": 150}, {"C": 300, "D": 0})
    # Half of the replies are sure, and each has two tokens.
    assert plot_training_curve.least_loss(coin) == pytest.approx(math.log(2) / 4)
    anchored = coin | {"anchors": loss_report({"0": 600, "1": 0})["examples"]}
    assert plot_training_curve.least_loss(anchored) == pytest.approx(math.log(2) / 8)
    # Of texts, a report shows the first eight alone.
    assert plot_training_curve.least_loss(loss_report({"C": 1, "D": 1}, distinct=200)) is None

    figure = plot_training_curve.plot_curves({"run": plot_training_curve.read_curve(curves[0])}, math.log(2) / 4)
    assert set(figure.axes[0].lines[-1].get_ydata()) == {math.log(2) / 4}
    assert "least possible" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "entropy" in figure.get_supxlabel()


def test_a_curve_without_validation_has_no_line_for_it(tmp_path):
    file = tmp_path / "curve.csv"
    file.write_text("epoch,step,loss,learning_rate,validation_loss\n1,1,0.5,0.001,\n")
    figure = plot_training_curve.plot_curves({"run": plot_training_curve.read_curve(file)})
    assert len(figure.axes[0].lines) == 1


def test_gauss_newton_steps_stand_apart_from_the_epochs(tmp_path):
    file = tmp_path / "curve.csv"
    rows = ["epoch,step,loss,learning_rate,validation_loss", "1,1,0.5,0.001,", "2,2,0.4,,", "3,3,0.3,,"]
    file.write_text("\n".join(rows) + "\n")
    figure = plot_training_curve.plot_curves({"run": plot_training_curve.read_curve(file)})
    losses, rates = figure.axes
    _, second_order = losses.lines
    assert epoch_means(figure) == [[0.5, 0.5, 1.5, 0.5]]
    assert second_order.get_xydata().tolist() == [[2, 0.4], [3, 0.3]]
    assert rates.lines[0].get_xydata().tolist()[0] == [1, 0.001]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such training curve"),
        ("step,loss\n1,2\n", "needs numbers in epoch, step"),
        ("epoch,step,loss,learning_rate,validation_loss\n", "without steps"),
        ("epoch,step,loss,learning_rate,validation_loss\n1,1,high,0.1,\n", "needs numbers"),
    ],
)
def test_bad_curves_are_named(tmp_path, text, message):
    file = tmp_path / "curve.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=rf"curve\.csv: .*{message}"):
        plot_training_curve.read_curve(file)


def test_bad_tables_are_named(tmp_path):
    with pytest.raises(UserError, match=r"missing\.parquet: no such table"):
        read_table(tmp_path / "missing.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(UserError, match=r"text\.parquet: not a Parquet table"):
        read_table(tmp_path / "text.parquet")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prisoners_dilemma-x2", "Prisoner's dilemma ×2"),
        ("stag_hunt-x0.5", "Stag hunt ×0.5"),
        ("in_sample", "In sample"),
        ("pre-xmas", "Pre-xmas"),
    ],
)
def test_names_as_people_read_them(name, expected):
    assert readable(name) == expected
