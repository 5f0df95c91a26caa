"""The table of breadth: students and predictors without one, by the number of games that they were taught."""

import numpy as np
import plot_breadth
import polars as pl
import pytest

from tom.core.errors import UserError
from tom.evaluation import payoff_models
from tom.evaluation.breadth import breadth_table, left_out, read_teacher, taught_games
from tom.games.behaviours import load_behaviour
from tom.games.game import load_games
from tom.games.names import members
from tom.prompts.variants import ORDERS
from tom.reporting.breadth_findings import breadth_lines
from tom.sampling.shards import COLUMNS
from tom.statistics.resampling import Uncertainty

pytestmark = pytest.mark.model  # networks on payoffs are torch's
UNCERTAINTY = Uncertainty(draws=500, confidence=0.95, seed=1, margin=0.1)
LABELS = {"letters": ("C", "D"), "first_letters": ("A", "B")}
TAUGHT, ASKED = members("drawn-0..39"), members("drawn-100..139")


@pytest.fixture(autouse=True)
def short_networks(monkeypatch):
    """Networks of a moment: the table does not depend on how well they do."""
    monkeypatch.setattr(payoff_models, "NETWORKS", 1)
    monkeypatch.setattr(payoff_models, "EPOCHS", 20)


@pytest.fixture(scope="module")
def games(resources):
    names = TAUGHT + ASKED
    return dict(zip(names, load_games([resources / "games" / "drawn.yaml"], names), strict=True))


@pytest.fixture(scope="module")
def truth(games, resources):
    behaviour = load_behaviour(resources / "behaviours" / "logit.yaml", "neutral")
    return {name: behaviour.propensity(game) for name, game in games.items()}


def scores(model: str, names: list[str], propensity, labels=("C", "D", "A", "B")) -> pl.DataFrame:
    """Score rows in both orders, and a reply in each; propensity: of a game's name, an order and a label."""
    rows = [
        {"record": "score", "model": model, "game": name, "context": "neutral", "order": order}
        | {"cooperation_label": label, "p_cooperate": propensity(name, order, label)}
        for name in names
        for order in ORDERS
        for label in labels
    ]
    rows += [row | {"record": "observation", "action": "defect"} for row in rows if row["cooperation_label"] == "C"]
    return pl.DataFrame(rows, schema=COLUMNS)


def observed(names: list[str], cooperated: dict[str, int], number: int) -> pl.DataFrame:
    """Observations of a teacher without exact propensities."""
    rows = [
        {"record": "observation", "model": "teacher", "game": name, "context": "neutral", "order": ORDERS[0]}
        | {"cooperation_label": "C", "action": "cooperate" if place < cooperated[name] else "defect"}
        for name in names
        for place in range(number)
    ]
    return pl.DataFrame(rows, schema=COLUMNS)


def table_of(truth, games, teacher=None, taught=None, students=None):
    exact = lambda name, *_: truth[name]  # noqa: E731
    teacher = scores("teacher", ASKED, exact, "CD") if teacher is None else teacher
    taught = scores("teacher", TAUGHT, exact, "CD") if taught is None else taught
    # A student that is nearer with more games, and only with the letters that it was taught.
    students = students or {
        number: pl.concat(
            [
                scores(
                    f"tuned-seed{seed}",
                    ASKED,
                    lambda name, order, label, part=number / 40: (
                        truth[name] * part + 0.5 * (1 - part) if label in "CD" else 0.5
                    ),
                )
                for seed in (1, 2)
            ]
        )
        for number in (10, 40)
    }
    base = scores("base", ASKED, lambda *_: 0.5)
    return breadth_table(teacher, base, students, taught, games, LABELS, "unseen_games", UNCERTAINTY)


def test_a_row_for_each_predictor_number_of_games_and_way_of_asking(truth, games):
    table = table_of(truth, games)
    assert set(table["predictor"]) == {
        "chance", "own_constant", "base", "tuned", "tuned-seed1", "tuned-seed2", "constant", "nearest_game",
        "payoff_regression", "payoff_network",
    }  # fmt: skip
    assert not table.select("labels", "exchanged", "games", "predictor").is_duplicated().any()
    tuned = table.filter(predictor="tuned")
    assert tuned.height == 2 * 2 * 2  # numbers of games, labels, mappings
    asked = np.array([truth[name] for name in ASKED])
    for row in tuned.iter_rows(named=True):
        part = row["games"] / 40 if row["labels"] == "letters" else 0
        assert row["gap"] == pytest.approx((1 - part) * np.abs(asked - 0.5).mean())
        assert row["low"] <= row["gap"] <= row["high"]
        assert row["correlation"] is None if part == 0 else row["correlation"] == pytest.approx(1)


def test_predictors_without_a_student_learn_the_same_games(truth, games):
    table = table_of(truth, games)
    few, many = (table.filter(games=number, predictor="payoff_regression")["gap"].item() for number in (10, 40))
    assert many < few and many < 0.01
    (constant,) = table.filter(games=40, predictor="constant")["gap"]
    known = np.median([truth[name] for name in TAUGHT])
    assert constant == pytest.approx(np.mean([abs(truth[name] - known) for name in ASKED]))
    (own,) = table.filter(predictor="own_constant")["gap"]
    asked = [truth[name] for name in ASKED]
    assert own == pytest.approx(np.mean(np.abs(asked - np.median(asked)))) and own <= constant
    first = np.median([truth[name] for name in TAUGHT[:10]])
    (of_few,) = table.filter(games=10, predictor="constant")["gap"]
    assert of_few == pytest.approx(np.mean([abs(truth[name] - first) for name in ASKED]))


def test_leads_are_the_other_gap_less_the_students(truth, games):
    table = table_of(truth, games).filter(labels="letters", exchanged=False, games=40)
    gaps = dict(table.select("predictor", "gap").iter_rows())
    (row,) = table.filter(predictor="tuned").iter_rows(named=True)
    for name in ("nearest_game", "payoff_regression", "payoff_network"):
        assert row[f"{name}_lead"] == pytest.approx(gaps[name] - gaps["tuned"])
        assert row[f"{name}_low"] <= row[f"{name}_lead"] <= row[f"{name}_high"]
    assert row["closed"] == pytest.approx(1 - gaps["tuned"] / gaps["constant"])
    assert row["nearest_game_low"] > 0  # this student equals its teacher


def test_the_sentences_say_what_students_closed_and_who_is_ahead(truth, games):
    table = table_of(truth, games)
    told = " ".join(" ".join(breadth_lines(table)).split())
    few, many = (row["closed"] for row in table.filter(predictor="tuned", labels="letters", exchanged=False).to_dicts())
    assert f"in percent {100 * few:.0f} (" in told and f"after 10 games, {100 * many:.0f} (" in told
    assert many == pytest.approx(1) and "it is 0.000 from the teacher" in told
    assert "The student is ahead of the nearest taught game, the regression on payoffs" in told
    assert "with the labels first letters exchanged" in told
    # A student that always says one half is behind what is given the payoffs.
    coin = {10: scores("tuned-seed1", ASKED, lambda *_: 0.5)}
    behind = " ".join(" ".join(breadth_lines(table_of(truth, games, students=coin))).split())
    assert "behind the nearest taught game, the regression on payoffs" in behind


def test_a_sampled_teacher_has_rates_and_a_noise_ceiling(truth, games):
    counts = {name: round(30 * truth[name]) for name in TAUGHT + ASKED}
    table = table_of(truth, games, teacher=observed(ASKED, counts, 30), taught=observed(TAUGHT, counts, 30))
    (ceiling,) = table.filter(predictor="noise_ceiling")["gap"]
    assert 0.01 < ceiling < 0.1
    played = read_teacher(observed(ASKED, counts, 30))
    assert played.kind == "sampled" and played.propensities == pytest.approx(
        [counts[game] / 30 for game, _ in played.cells]
    )
    assert table_of(truth, games).filter(predictor="noise_ceiling").is_empty()


def test_a_student_without_an_answer_is_named(truth, games):
    students = {40: scores("tuned-seed1", ASKED[1:], lambda *_: 0.5)}
    with pytest.raises(UserError, match=f"tuned-seed1 for {ASKED[0]} in neutral, where 'C' comes first"):
        table_of(truth, games, students=students)


def test_games_are_taught_in_the_order_of_their_shards():
    taught = scores("teacher", ["b", "a", "c"], lambda *_: 0.5)
    assert taught_games(taught, 2) == ["b", "a"]
    with pytest.raises(UserError, match="at most the 3 games"):
        taught_games(taught, 4)


@pytest.mark.filterwarnings("error")
def test_games_in_which_the_teacher_can_not_be_read_are_left_out(truth, games):
    counts = {name: round(5 * truth[name]) for name in TAUGHT + ASKED}
    asked, taught = observed(ASKED, counts, 5), observed(TAUGHT, counts, 5)

    def mute(shards, names):
        return shards.with_columns(action=pl.when(~pl.col("game").is_in(names)).then("action"))

    table = table_of(truth, games, teacher=mute(asked, ASKED[:3]), taught=mute(taught, TAUGHT[:10]))
    assert set(table["cells"]) == {len(ASKED) - 3}
    few = table.filter(games=10, predictor="tuned", labels="letters", exchanged=False).row(0, named=True)
    assert few["gap"] is not None and few["closed"] is few["nearest_game_lead"] is None
    assert few["not_estimated"] == "the teacher gave no readable reply in the games taught"
    many = table.filter(games=40, predictor="tuned")
    assert many["closed"].null_count() == many["not_estimated"].drop_nulls().len() == 0
    with pytest.raises(UserError, match="no readable reply of the teacher in any cell of unseen_games"):
        table_of(truth, games, teacher=mute(asked, ASKED), taught=taught)


@pytest.mark.filterwarnings("error")
def test_a_teacher_that_always_does_the_same_leaves_a_constant_nothing_to_close(truth, games):
    always = dict.fromkeys(TAUGHT + ASKED, 5)
    table = table_of(truth, games, teacher=observed(ASKED, always, 5), taught=observed(TAUGHT, always, 5))
    row = table.filter(games=40, predictor="tuned", labels="letters", exchanged=False).row(0, named=True)
    assert row["closed"] is row["closed_low"] is None and row["gap"] > 0
    assert row["not_estimated"] == "the best constant has no gap to the teacher"


def test_the_figure_names_every_line_once_beside_the_panels_and_hides_no_mark(truth, games):
    figure = plot_breadth.plot_breadth([table_of(truth, games)] * 2)
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    others = [label for label, *_ in plot_breadth.PREDICTORS.values()]
    assert told[0] == "student" and told[-len(others) :] == others
    assert len(told) == len({*told}) and {"student, first letters", "base student"} <= {*told}
    figure.draw_without_rendering()
    left = legend.get_window_extent().x0
    assert all(axes.get_window_extent().x1 < left for axes in figure.axes)
    colours = {line.get_color() for line in figure.axes[0].lines if line.get_label() in others}
    assert len(colours) == len(others) == 5
    # Marks of other ways of asking stand beside those of the one that was taught.
    places = {line.get_label(): {*line.get_xdata()} for line in figure.axes[0].lines}
    assert not places["student"] & places["student, first letters"]
    assert not places["student"] & places["student, C and D exchanged"]
    # What is next to 0 lies above the frame.
    assert figure.axes[0].get_ylim()[0] < 0


def test_a_column_has_a_mark_for_each_pair_of_other_labels(truth, games):
    table = table_of(truth, games)
    more = table.filter(labels="first_letters").with_columns(labels=pl.lit("last_letters"))
    figure = plot_breadth.plot_breadth([pl.concat([table, more])])
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    first, last = lines["student, first letters"], lines["student, last letters"]
    assert first.get_marker() != last.get_marker() and not {*first.get_xdata()} & {*last.get_xdata()}


def test_a_family_that_was_left_out_is_named(truth, games, resources):
    sets = {
        "drawn_dilemmas": members("drawn_dilemmas-0..3"),
        "drawn_without_dilemmas": members("drawn_without_dilemmas-0..19"),
    }
    dilemmas, others = (load_games([resources / "games" / f"{stem}.yaml"], names) for stem, names in sets.items())
    assert left_out(dilemmas, others) == "prisoners_dilemma"
    assert left_out(others[:5], others) is left_out([*dilemmas, others[0]], others) is None
    asymmetric = load_games([resources / "games" / "drawn_asymmetric.yaml"], ["drawn_asymmetric-0"])
    assert left_out(asymmetric, others) is None
    assert left_out(dilemmas, [*others, *asymmetric]) == "prisoners_dilemma"
    table = table_of(truth, games)
    assert table["left_out"].null_count() == table.height and plot_breadth.title_of(table) == "Unseen games"
    named = table.with_columns(split=pl.lit("unseen_family"), left_out=pl.lit("prisoners_dilemma"))
    assert plot_breadth.title_of(named) == "Unseen family: prisoner's dilemma"
    many = table.with_columns(left_out=pl.lit("hero leader snowdrift"))
    assert plot_breadth.title_of(many) == "Unseen games"
