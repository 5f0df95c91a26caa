"""What targets write that are no part of a run's own result, and how the page tells of it.

A page shows what is there and makes none of it; the rest it names with the command that makes it.
"""

from dataclasses import dataclass
from pathlib import Path

SPLIT = "{split}"


@dataclass(frozen=True)
class FurtherTable:
    """file: below the folder of results, with SPLIT where there is one for each; described_as: in the dictionary."""

    title: str
    file: str
    described_as: str


@dataclass(frozen=True)
class FurtherFigure:
    """file: as above; shows: for those who can't see it; caption: how to read it."""

    file: str
    shows: str
    caption: str


@dataclass(frozen=True)
class Further:
    """What one target writes.

    about: what it is and how it is read; needs: what not every run has.
    """

    target: str
    title: str
    about: str
    tables: tuple[FurtherTable, ...]
    figure: FurtherFigure | None = None
    needs: str = ""

    def files(self, splits: list[str]) -> list[str]:
        """All that the target writes for these splits and a page shows, below the folder of results."""
        patterns = [*(table.file for table in self.tables), *([self.figure.file] if self.figure else [])]
        return [file for pattern in patterns for file in expanded(pattern, splits)]


def expanded(pattern: str, splits: list[str]) -> list[str]:
    """One file, or one for each split."""
    return [pattern.replace(SPLIT, split) for split in splits] if SPLIT in pattern else [pattern]


CLOSED = (
    "Each student's share of the gap to the teacher that tuning closed (100 % is the teacher, 0 % the untuned student)"
)
BARS = "Points with intervals: share of the gap closed, one line for each kind of student and for each baseline."

FURTHER = (
    Further(
        "response_curves",
        "Response curves",
        "How often each model cooperates as all payoffs of a game are multiplied or shifted. Their order stays, so"
        " whoever follows nothing else would give level curves; a student reacts as its teacher does where their"
        " curves run side by side.",
        (FurtherTable("Points of the response curves", "tables/response_curves.parquet", "response_curves"),),
        FurtherFigure(
            "figures/response_curves.svg",
            "Lines of the propensity to cooperate over scales and over shifts of payoffs, a column for each game.",
            "Payoffs multiplied and, below where there are any, payoffs shifted. Filled markers: observed rates with"
            " Jeffreys intervals. Open markers: exact propensities.",
        ),
        "a config whose splits ask a game at several payoffs in the same contexts, such as config/payoff_scales.yaml",
    ),
    Further(
        "labels",
        "Other names of the options",
        "The taught cells with the options called otherwise than C and D; nothing was taught for it. What a student"
        " learnt about the game, and not about two letters, it still knows under other names: read the gap closed"
        " beside that of letters.",
        (FurtherTable("Biases and gaps by the options' names", "tables/labels.parquet", "labels"),),
        needs="replies that begin with the choice",
    ),
    Further(
        "counterbalancing",
        "Counterbalancing",
        f"{CLOSED}: for students taught in the paper's one listing order, in both, and with the letters' meanings"
        " exchanged besides. Each has twice the prompts, and so the steps, of the one before.",
        (
            FurtherTable("Students by what was counterbalanced", "tables/counterbalancing.parquet", "counterbalancing"),
            FurtherTable("The same students by the options' names", "tables/counterbalancing_labels.parquet", "labels"),
        ),
        FurtherFigure(
            "figures/counterbalancing.svg",
            BARS,
            "WeightedReply in one order, in both, and with letters exchanged; squares need no student.",
        ),
        "choices taught in both orders, letters as asked",
    ),
    Further(
        "transfer_matrix",
        "Transfer matrix",
        "Students that were not taught one context, one game or one scale of payoffs, each measured on every part of"
        " the taught cells. A row is what was left out, a column where it is measured; where the two are the same, a"
        " student shows what it can do in what it never met.",
        (FurtherTable("Transfer matrix", "tables/transfer_matrix.parquet", "transfer_matrix"),),
        FurtherFigure(
            "figures/transfer_matrix.svg",
            "Heat map of the percentage of the gap closed: rows by what the training left out, columns by where its"
            " student is measured.",
            "Percent of the gap closed. Frames: not taught. Stars: ahead of chance, its interval above 0.",
        ),
    ),
    Further(
        "learning_curve",
        "Learning curve",
        f"{CLOSED}, by how many of the teacher's observations of each cell were taught, and the seconds that training"
        " took.",
        (FurtherTable("Students by observations", "tables/learning_curve.parquet", "learning_curve"),),
        FurtherFigure(
            "figures/learning_curve.svg",
            "Share of the gap closed over observations a cell, and over seconds of training.",
            "Filled: mean over seeds with its interval; open: each seed. Level lines need no student.",
        ),
        "a teacher with more observations of each cell than the config lists",
    ),
    Further(
        "controls",
        "Controls",
        f"{CLOSED}: for students of the teacher, of one whose cells are shuffled, and of one that answers every cell"
        " alike. What the controls close too is owed to being taught these letters at all, and not to what the"
        " teacher says of the cells.",
        (FurtherTable("Students by their teacher", "tables/controls.parquet", "controls"),),
        FurtherFigure("figures/controls.svg", BARS, "In sample. Squares and the triangle need no student."),
    ),
    Further(
        "compare_training_targets",
        "What of a reply is taught",
        f"{CLOSED}: for students taught the choice alone, the choice with its motivation, and the choice with another"
        " cell's motivation. Motivations help as far as the second is ahead of both others.",
        (FurtherTable("Students by what they were taught", f"tables/{SPLIT}/target.parquet", "target"),),
        FurtherFigure("figures/target.svg", BARS, "A panel for each split; squares need no student."),
        "a teacher that gives motivations",
    ),
    Further(
        "collateral",
        "Nothing else broken",
        "What tuning did to neutral texts, plain instructions and the understanding of payoffs, probe by probe"
        " beside the untuned student. Bits: less is better; probabilities and shares right: more is. Undecided means"
        " too few probes, not equality.",
        (FurtherTable("Probes before and after tuning", "tables/collateral.parquet", "collateral"),),
    ),
    Further(
        "compare_prompt_formats",
        "Ways of asking",
        "The teacher in the taught cells, asked in each of the ways that the config compares, such as for the letter"
        " alone or with its reasons: a row for each, over all cells. Where their rates differ, the asking moved"
        " choices, and not the game.",
        (FurtherTable("The teacher by how it was asked", "tables/prompt_formats.parquet", "prompt_formats"),),
        needs="a teacher that answers live",
    ),
    Further(
        "validate",
        "Held-out contexts",
        "Each taught context by students that were taught all but it: what a recipe is chosen by before anybody"
        " looks out of sample. The gaps are read as those of any split.",
        (
            FurtherTable(
                "Held-out gaps, and how much of them is closed", "tables/held_out/alignment.parquet", "alignment"
            ),
            FurtherTable("Held-out contexts, one at a time", "tables/held_out/contexts.parquet", "contexts"),
        ),
        FurtherFigure(
            "figures/propensities-held_out.svg",
            "Points with intervals for teacher, base and tuned student in contexts that the student was not taught.",
            "Read as the run's own propensities; each context is answered by the student that never met it.",
        ),
    ),
    Further(
        "validate_reworded",
        "Held-out contexts in other words",
        "The same students in other wordings of the context that they never met. What they close above and not here,"
        " they owe to that context's words and not to its situation.",
        (
            FurtherTable(
                "Gaps in other words, and how much of them is closed",
                "tables/held_out_reworded/alignment.parquet",
                "alignment",
            ),
            FurtherTable(
                "Held-out contexts in other words, one at a time",
                "tables/held_out_reworded/contexts.parquet",
                "contexts",
            ),
        ),
        FurtherFigure(
            "figures/propensities-held_out_reworded.svg",
            "Points with intervals for teacher, base and tuned student in wordings of contexts that the student was not"
            " taught.",
            "Read as the run's own propensities; each wording is answered by the student that never met its situation."
            " A recorded teacher's choices are those of the original wording.",
        ),
        "contexts that tell the taught ones in other words",
    ),
    Further(
        "precision_drift",
        "Other precisions",
        "How far the tuned students' exact propensities move when they run on the unquantised weights, or merged"
        " into dequantised ones, in place of what they were trained on. 0 is no difference.",
        (FurtherTable("Drift by precision", "tables/precision_drift.parquet", "precision_drift"),),
    ),
)
"""In the order of the page."""


def made_files(results: Path, splits: list[str]) -> list[Path]:
    """What is there of all of FURTHER. results: a run's folder."""
    files = [results / file for further in FURTHER for file in further.files(splits)]
    return [file for file in files if file.exists()]
