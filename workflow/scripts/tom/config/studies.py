"""Studies: what the workflow answers besides the main result, each registered once.

A study is a target of the same name (`snakemake NAME`). It says which students it trains, as changes of the config's
training section, which tables and which figure it makes, and what these show. The target, the rules' inputs, the page's
part on it and the documentation follow from its entry here. No study is part of `snakemake all`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tom.config import study_checks, training_checks
from tom.config.store import BASE, TEACHER, Store
from tom.config.study import HELD_OUT, HELD_OUT_REWORDED, IN_SAMPLE, cells_of, games_of
from tom.games.names import members
from tom.prompts.variants import PAPER_VARIANT
from tom.training.folds import folds
from tom.training.recipe import (
    BOTH,
    CONSTANT,
    FULL_REPLY,
    LABEL,
    ORIGINAL,
    REPLY_TARGETS,
    SHUFFLED,
    SHUFFLED_MOTIVATION,
)

SPLIT, UNSEEN_SPLIT = "{split}", "{unseen_split}"
"""In the name of a file: each split, and each but the one that students are trained on."""

Students = dict[str, Mapping]
"""Name in a table → changes of the training section; the config's own student has none."""

Asked = dict[str, Mapping]
"""Name in a table → how models are asked otherwise than in the main result, as keyword arguments of Store.shards."""

TUNED_MODEL = "tuned-seed1"
"""Stands for the tuned students of all seeds, which share their keys."""


@dataclass(frozen=True)
class Comparison:
    """A table of students by how they were trained (tom/evaluation/students_table.py), of some splits.

    by: its column that names a student's group. leads: prefix of three columns → the group that others are compared
    with. whole: the group of whose closed gap shares are taken. timings: with the seconds that training took.
    labels: group → its label in the figure. baselines: those that the figure shows. all_splits: in sample alone unless
    true.
    """

    by: str
    labels: Mapping[str, str]
    leads: Mapping[str, str]
    whole: str | None = None
    timings: bool = False
    baselines: tuple[str, ...] = ("chance", "constant")
    all_splits: bool = False


@dataclass(frozen=True)
class Table:
    """A table of a study. name: in the registry; file: below the experiment's folder, one or one for each split."""

    title: str
    file: str
    name: str


@dataclass(frozen=True)
class Figure:
    """A figure of a study. name: of its files; shows: for those who can't see it; caption: how to read it."""

    name: str
    shows: str
    caption: str


@dataclass(frozen=True)
class Study:
    """One study. about: what it is, and how it is read. needs: what not every run has. check: raises UserError where
    the config lacks it. students: config → the students that it compares. asks: config → the ways in which it asks a
    model, `asked`, about the in-sample cells.
    """

    name: str
    title: str
    about: str
    tables: tuple[Table, ...]
    figure: Figure | None = None
    needs: str = ""
    students: Callable[[dict], Students] = lambda config: {}
    asks: Callable[[dict], Asked] = lambda config: {}
    asked: str = TUNED_MODEL
    comparison: Comparison | None = None
    check: Callable[[dict, str, Path], None] | None = None

    @property
    def summary(self) -> str:
        """The first sentence of `about`, for a list of targets."""
        return f"{self.title}. {self.about.partition('. ')[0].removesuffix('.')}."

    @property
    def first_sentence(self) -> str:
        """What it is, where it is known what a closed gap is."""
        return self.about.replace(CLOSED, "Gap closed").partition(". ")[0].removesuffix(".") + "."

    def files(self, splits: list[str]) -> list[str]:
        """The tables and the figure that a page shows of these splits, below the experiment's folder."""
        patterns = [table.file for table in self.tables]
        patterns += [f"figures/{self.figure.name}.svg"] if self.figure else []
        return [file for pattern in patterns for file in expanded(pattern, splits)]


def expanded(pattern: str, splits: list[str]) -> list[str]:
    """One file, or one for each split that the pattern stands for."""
    if UNSEEN_SPLIT in pattern:
        return [pattern.replace(UNSEEN_SPLIT, split) for split in splits if split != IN_SAMPLE]
    return [pattern.replace(SPLIT, split) for split in splits] if SPLIT in pattern else [pattern]


def trained_without(config: dict) -> Students:
    """A student for each context, game and scale of payoffs that its training leaves out."""
    return {str(fold): {"held_out": str(fold)} for fold in folds(sorted(cells_of(config["splits"][IN_SAMPLE])))}


def trained_on_targets(config: dict) -> Students:
    """A student for each target. Gauss-Newton steps and exchanged labels are only for targets of one letter."""
    return {target: {"target": target, "gauss_newton_steps": 0, "label_mapping": ORIGINAL} for target in REPLY_TARGETS}


def trained_on_fewer_observations(config: dict) -> Students:
    """A student for each number of observations a cell, and the config's own, which has all of them."""
    numbers = config["learning_curve"]["observations"]
    return {str(number): {"observations_per_cell": number} for number in numbers} | {"all": {}}


def trained_on_fewer_games(config: dict) -> Students:
    """A student for each number of games, with as many steps as the config's own, which is taught all of them."""
    split, epochs = config["splits"][IN_SAMPLE], config["training"]["epochs"]
    whole = len({member for game in split["games"] for member in members(game)})
    return {
        str(number): {} if number == whole else {"taught_games": number, "epochs": round(epochs * whole / number)}
        for number in config["breadth"]["games"]
    }


def asked_with_labels(config: dict) -> Asked:
    """Labels → students asked with them, for their exact propensities alone."""
    return {name: {"sampling": {"labels": name, "observations": 0}} for name in config["breadth"]["labels"]}


CLOSED = (
    "Each student's share of the gap to the teacher that training closed (100 %: the teacher; 0 %: the base student)"
)
BARS = "Points with intervals: share of the gap closed, one line for each kind of student and for each baseline."

STUDIES = (
    Study(
        "response_curves",
        "Response curves",
        "How often each model cooperates as all payoffs of a game are multiplied or shifted. The order of the payoffs"
        " stays the same, so a player that follows the order alone gives level curves. A student reacts as its teacher"
        " does where their curves are parallel.",
        (Table("Points of the response curves", "tables/response_curves.parquet", "response_curves"),),
        Figure(
            "response_curves",
            "Lines of the propensity to cooperate over scales and over shifts of payoffs, a column for each game.",
            "Payoffs multiplied and, below where there are any, payoffs shifted. Filled markers: observed rates with"
            " Jeffreys intervals. Open markers: exact propensities.",
        ),
        needs="a config whose splits ask a game at several payoffs in the same contexts (config/payoff_scales.yaml)",
    ),
    Study(
        "labels",
        "Other labels",
        "The in-sample cells with other labels than C and D, which no student was trained on. A student that learnt the"
        " games, and not two letters, closes as much of the gap under other labels.",
        (Table("Biases and gaps by labels", "tables/labels.parquet", "labels"),),
        needs="replies that begin with the choice",
        check=study_checks.check_labels,
    ),
    Study(
        "counterbalancing",
        "Counterbalancing",
        f"{CLOSED}: for students trained on the paper's one option order, on both orders, and on both orders with both"
        " label mappings. Each has twice the prompts, and so the steps, of the one before.",
        (
            Table(
                "Students by what was counterbalanced", "tables/in_sample/counterbalancing.parquet", "counterbalancing"
            ),
            Table("The same students by labels", "tables/counterbalancing_labels.parquet", "counterbalancing_labels"),
        ),
        Figure(
            "counterbalancing",
            BARS,
            "Trained on one option order, on both, and on both label mappings as well. Squares need no student.",
        ),
        needs="choices trained in both option orders, with the original label mapping",
        students=lambda config: {
            "one_order": {"option_orders": [PAPER_VARIANT.order]},
            "as_is": {},
            "both_mappings": {"label_mapping": BOTH},
        },
        comparison=Comparison(
            "counterbalancing",
            {"one_order": "one option order", "as_is": "both orders", "both_mappings": "and both label mappings"},
            leads={"one_order": "one_order"},
        ),
        check=study_checks.check_counterbalancing,
    ),
    Study(
        "transfer_matrix",
        "Transfer matrix",
        "Students trained without one context, one game or one scale of payoffs, each measured on every part of the"
        " in-sample cells. A row says what was left out, a column where the student is measured. Where the two are the"
        " same, the student has not seen that part.",
        (Table("Transfer matrix", "tables/transfer_matrix.parquet", "transfer_matrix"),),
        Figure(
            "transfer_matrix",
            "Heat map of the percentage of the gap closed: rows by what the training left out, columns by where its"
            " student is measured.",
            "Percent of the gap closed. Frames: left out of training. Stars: ahead of chance, its interval above 0.",
        ),
        students=lambda config: {"nothing": {}} | trained_without(config),
    ),
    Study(
        "learning_curve",
        "Learning curve",
        f"{CLOSED}, by the number of the teacher's observations of each cell, and the seconds that training took.",
        (Table("Students by observations", "tables/in_sample/learning_curve.parquet", "learning_curve"),),
        Figure(
            "learning_curve",
            "Share of the gap closed over observations a cell, and over seconds of training.",
            "Filled: mean over seeds with its interval. Open: each seed. Level lines need no student.",
        ),
        needs="a teacher with more observations of each cell than the config lists",
        students=trained_on_fewer_observations,
        comparison=Comparison("observations", {}, leads={}, whole="all", timings=True),
        check=study_checks.check_learning_curve,
    ),
    Study(
        "breadth",
        "Breadth",
        "How far students play games that they were not taught, by the number of games that they were. All students"
        " take as many steps. Beside them stand predictors that need no student: the nearest taught game, and a"
        " regression and a small network that are given the payoffs as numbers. A student is also asked with labels"
        " that it was not taught.",
        (Table("Games that were not taught", f"tables/{UNSEEN_SPLIT}/breadth.parquet", "breadth"),),
        Figure(
            "breadth",
            "Lines of the mean distance from the teacher over the number of games taught, a panel for each split.",
            "Mean distance from the teacher's propensity in games that were not taught, with intervals over games. Grey"
            " lines need no student.",
        ),
        needs="a config that teaches a game set (config/breadth.yaml)",
        students=trained_on_fewer_games,
        asks=asked_with_labels,
        check=study_checks.check_breadth,
    ),
    Study(
        "controls",
        "Controls",
        f"{CLOSED}: for students of the teacher, of one whose cells are shuffled, and of one that answers every cell"
        " alike. What the controls close as well comes from training on these labels at all, and not from what the"
        " teacher does in each cell.",
        (Table("Students by their teacher", "tables/in_sample/controls.parquet", "controls"),),
        Figure("controls", BARS, "In sample. Squares and the triangle need no student."),
        students=lambda config: {"as_is": {}, SHUFFLED: {"teacher": SHUFFLED}, CONSTANT: {"teacher": CONSTANT}},
        comparison=Comparison(
            "teacher",
            {"as_is": "the teacher", SHUFFLED: "a shuffled teacher", CONSTANT: "a constant teacher"},
            # The bare word is a baseline's: one constant propensity that needs no student.
            leads={f"{name}_teacher": name for name in (SHUFFLED, CONSTANT)},
            whole="as_is",
            baselines=("chance", "constant", "offset", "nearest", "noise_ceiling"),
        ),
    ),
    Study(
        "compare_training_targets",
        "Training targets",
        f"{CLOSED}, by what the student was trained on: {'; '.join(target.about for target in REPLY_TARGETS.values())}."
        f" Motivations help as far as {FULL_REPLY} is ahead of both {LABEL} and {SHUFFLED_MOTIVATION}.",
        (Table("Students by training target", f"tables/{SPLIT}/target.parquet", "target"),),
        Figure("target", BARS, "A panel for each split. Squares need no student."),
        needs="a teacher that gives motivations",
        students=trained_on_targets,
        comparison=Comparison(
            "target",
            {name: target.line for name, target in REPLY_TARGETS.items()},
            # Over choices: what motivations teach. Over shuffled ones: what they teach by being about their own cell.
            leads={name: name for name in (LABEL, SHUFFLED_MOTIVATION)},
            all_splits=True,
        ),
        check=training_checks.check_targets,
    ),
    Study(
        "collateral",
        "Side effects of training",
        "What training did to neutral texts, plain instructions and the understanding of payoffs, probe by probe beside"
        " the base student. Bits: less is better. Probabilities and shares right: more is better. Undecided means too"
        " few probes, not equality.",
        (Table("Probes before and after training", "tables/collateral.parquet", "collateral"),),
    ),
    Study(
        "compare_prompt_formats",
        "Prompt formats",
        "The teacher in the in-sample cells, asked in each prompt format that the config lists, such as for the letter"
        " alone or with its reasons. Where the rates differ, the format moved choices, and not the game.",
        (Table("The teacher by prompt format", "tables/prompt_formats.parquet", "prompt_formats"),),
        needs="a teacher that answers live",
        asks=lambda config: {name: {"prompt_format": name} for name in config["compared_prompt_formats"]},
        asked=TEACHER,
        check=study_checks.check_live_teacher,
    ),
    Study(
        "compare",
        "Experiments side by side",
        "Other students of the run and finished experiments beside this one, whichever student and teacher they have."
        " Their splits of one name ask the same cells. With one teacher, distances from it can be compared. With"
        " several, the shares closed can.",
        (Table("Experiments side by side", "tables/experiments.parquet", "experiments"),),
        Figure(
            "experiments",
            "Points with intervals: share of the gap closed, a line for each experiment and for its nearest cell.",
            "A panel for each split that all of them have. Squares: the nearest cell, which needs no student.",
        ),
        needs="`students`, or finished experiments named by `compared_experiments`",
        check=study_checks.check_experiments,
    ),
    Study(
        "validate",
        "Held-out contexts",
        "Each in-sample context, answered by students that were trained without it. A recipe is chosen by this before"
        " anybody looks out of sample. The gaps are read as those of any split.",
        (
            Table("Held-out gaps, and how much of them is closed", f"tables/{HELD_OUT}/alignment.parquet", "alignment"),
            Table("Held-out contexts, one at a time", f"tables/{HELD_OUT}/contexts.parquet", "contexts"),
        ),
        Figure(
            f"propensities-{HELD_OUT}",
            "Points with intervals for teacher, base and tuned student in contexts left out of training.",
            "Read as the run's own propensities. Each context is answered by the student that was trained without it.",
        ),
        students=trained_without,
        check=study_checks.check_two_contexts,
    ),
    Study(
        "validate_reworded",
        "Held-out contexts in other words",
        "Students trained without a context, asked in other wordings of it. What they close in its own words (validate)"
        " and not here, they owe to the words of that context and not to its situation.",
        (
            Table(
                "Gaps in other words, and how much of them is closed",
                f"tables/{HELD_OUT_REWORDED}/alignment.parquet",
                "alignment",
            ),
            Table(
                "Held-out contexts in other words, one at a time",
                f"tables/{HELD_OUT_REWORDED}/contexts.parquet",
                "contexts",
            ),
        ),
        Figure(
            f"propensities-{HELD_OUT_REWORDED}",
            "Points with intervals for teacher, base and tuned student in wordings of contexts that the student was"
            " trained without.",
            "Read as the run's own propensities. Each wording is answered by the student that was trained without its"
            " situation. A recorded teacher's choices are those of the original wording.",
        ),
        needs="contexts that tell the in-sample ones in other words",
        students=trained_without,
        check=study_checks.check_rewordings,
    ),
    Study(
        "precision_drift",
        "Other precisions",
        "How far the tuned students' exact propensities move when they run on the unquantised weights, or merged into"
        " dequantised ones, and not on what they were trained on. 0 is no difference.",
        (Table("Drift by precision", "tables/precision_drift.parquet", "precision_drift"),),
        # Exact propensities alone: no observation is drawn.
        asks=lambda config: {
            "trained": {},
            "bfloat16": {"precision": "bfloat16", "sampling": {"observations": 0}},
            "merged": {"merged": True, "sampling": {"observations": 0}},
        },
    ),
)
"""In the order of the page."""

BY_NAME = {study.name: study for study in STUDIES}
COMPARISONS = {study.comparison.by: study for study in STUDIES if study.comparison}
"""Column that names the groups → the study."""


def all_students(config: dict) -> list[Mapping]:
    """The changes of every student that a study of this config may ask for, the config's own first."""
    return [{}, *(changes for study in STUDIES for changes in study.students(config).values())]


def register_keys(store: Store, config: dict) -> None:
    """Let a store know every key that the files of a config may have.

    A job on a cluster, or a file that is asked for by its path, names keys and nothing else.
    """
    games = sorted({game for split in config["splits"].values() for game in games_of(split)})
    for model in (TEACHER, BASE):
        store.weights_key(model)
        for game in games:
            store.asking(model, game)
    for game in config["training"]["anchor_games"]:
        store.asking(BASE, game)
    for changes in all_students(config):
        store.weights_key(TUNED_MODEL, changes)
    for study in STUDIES:
        for settings in study.asks(config).values():
            store.shards(cells_of(config["splits"][IN_SAMPLE]), [study.asked], **settings)
