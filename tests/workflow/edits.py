"""Edits of a finished run of tiny.yaml, and the jobs that each of them makes.

docs/generate.py writes them as a table; test_reruns.py holds every line against Snakemake's own plan.
"""

from dataclasses import dataclass

TOM = "workflow/scripts/tom"
TABLES = {
    "evaluate_split": 3,
    "measure_sensitivities": 1,
    "tabulate_games": 1,
    "summarise_run": 1,
    "plot_agreement": 1,
    "plot_gap_closed": 1,
    "plot_order_bias": 1,
    "plot_propensities": 3,
}
"""What follows shards of choices in every split."""
NUMBERS = {"evaluate_numbers": 1, "tabulate_number_games": 1, "plot_numbers": 1}
"""What follows shards of the game in which a number is named."""
TRAINING = {"train_adapter": 1, "plot_training_curve": 1}
FIGURES = {rule: jobs for rule, jobs in (TABLES | NUMBERS | TRAINING).items() if rule.startswith("plot_")}
# The run has eight cells of choices in three splits, and one in which a number is named.
CHOICE_CELLS, CELLS = 8, 9


@dataclass(frozen=True)
class Edit:
    """What an edit is, the file, the text that stands there once with what replaces it, and rule → jobs.

    new_file: the text is a file of its own.
    """

    what: str
    file: str
    old: str
    new: str
    jobs: dict[str, int]
    new_file: bool = False


NOTHING: dict[str, int] = {}
OUT_OF_SAMPLE_CONTEXT = {
    "evaluate_split": 1,
    "plot_propensities": 1,
    "plot_agreement": 1,
    "plot_gap_closed": 1,
    "plot_order_bias": 1,
    "measure_sensitivities": 1,
    "tabulate_games": 1,
    "summarise_run": 1,
}

NEW_ENGINE = '''"""An engine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """None."""
'''

EDITS = (
    # Wording and form
    Edit(
        "A docstring in a module that every script imports",
        f"{TOM}/core/errors.py",
        '"""How a script ends',
        '"""The way in which a script ends',
        NOTHING,
    ),
    Edit(
        "A comment in an engine",
        f"{TOM}/engines/transformers_engine.py",
        "sequences, starts = [], []\n",
        "sequences, starts = [], []  # why\n",
        NOTHING,
    ),
    Edit("A type hint", f"{TOM}/core/random.py", "variants: int) -> list[int]", "variants) -> list", NOTHING),
    Edit(
        "A line broken in two",
        f"{TOM}/core/random.py",
        "divmod(observations, variants)",
        "divmod(\n        observations, variants\n    )",
        NOTHING,
    ),
    Edit(
        "The wording of an error",
        f"{TOM}/engines/devices.py",
        "can be used {where} (allowed: up to as many)",
        "can be used {where} (allowed: so many)",
        NOTHING,
    ),
    # Engines
    Edit(
        "The engine that answers",
        f"{TOM}/engines/transformers_engine.py",
        "sequences, starts = [], []",
        "starts, sequences = [], []",
        {"sample_shard": 2 * CELLS} | TABLES | NUMBERS,
    ),
    Edit("Another engine", f"{TOM}/engines/vllm_engine.py", "CONTEXT_STEP = 2048", "CONTEXT_STEP = 4096", NOTHING),
    Edit("A new engine", f"{TOM}/engines/new_engine.py", "", NEW_ENGINE, NOTHING, new_file=True),
    # Training
    Edit(
        "The loss",
        f"{TOM}/training/objective.py",
        "value += found.item()",
        "value += 1 * found.item()",
        {"sample_shard": CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    # Prompts and replies
    Edit(
        "How prompts are written",
        f"{TOM}/prompts/prompts.py",
        "    first, second = variant.actions()\n    fields",
        "    first, second = tuple(variant.actions())\n    fields",
        {"sample_shard": CHOICE_CELLS + CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    Edit(
        "How replies are read, where choices are drawn",
        f"{TOM}/parsing/reply_text.py",
        "import re\n",
        "import re as re\n",
        NOTHING,
    ),
    # Tables and figures
    Edit(
        "An estimator: Jeffreys intervals",
        f"{TOM}/statistics/intervals.py",
        "def jeffreys(cooperated, readable, confidence",
        "def jeffreys(cooperated, readable, confidence=0.5): ...\ndef jeffreys(cooperated, readable, confidence",
        TABLES,
    ),
    Edit("A figure", "workflow/scripts/plot_agreement.py", "s=14", "s=15", {"plot_agreement": 1}),
    Edit(
        "Captions beside the figures, not below them",
        "tiny.yaml",
        "observations: 40",
        "figures: {captions: false}\nobservations: 40",
        FIGURES,
    ),
    Edit(
        "What a column means",
        "workflow/schemas/tables.yaml",
        "social context; null where it is not one context",
        "Reworded: social context; null where it is not one context",
        NOTHING,
    ),
    # Texts
    Edit(
        "An in-sample context",
        "resources/contexts/business.yaml",
        "CEO of a company",
        "CEO of a firm",
        # The base in three cells of business; the tuned student in all.
        {"sample_shard": 3 + CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    Edit(
        "An out-of-sample context",
        "resources/contexts/sports.yaml",
        "athletes",
        "sportspeople",
        {"sample_shard": 2 * 2} | OUT_OF_SAMPLE_CONTEXT,
    ),
    Edit(
        "The prompt format",
        "resources/prompt_formats/choice.yaml",
        "a single {kind}",
        "one {kind}",
        {"sample_shard": CHOICE_CELLS + CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    # Published counts
    Edit(
        "One published count, in sample",
        "resources/paper/observed_choices.csv",
        "in_sample,business,stag_hunt,teacher,105,300",
        "in_sample,business,stag_hunt,teacher,106,300",
        {"replay_shard": 1, "gather_shards": 1, "sample_shard": CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    Edit(
        "One published count, out of sample",
        "resources/paper/observed_choices.csv",
        "out_of_sample_context,sports,stag_hunt,teacher,0,300",
        "out_of_sample_context,sports,stag_hunt,teacher,1,300",
        # Every split is shown beside the published students.
        {"replay_shard": 1} | TABLES,
    ),
    # The config
    Edit(
        "The config's keys in another order",
        "tiny.yaml",
        "  epochs: 3\n  threads: 1\n",
        "  threads: 1\n  epochs: 3\n",
        NOTHING,
    ),
    Edit("How long an engine waits", "tiny.yaml", "idle_seconds: 30", "idle_seconds: 0", NOTHING),
    Edit("Threads of a training", "tiny.yaml", "threads: 1", "threads: 2", NOTHING),
    Edit(
        "How many GPUs a model computes on", "tiny.yaml", "  source: folder\n", "  source: folder\n  gpus: 1\n", NOTHING
    ),
    Edit("top_p, where choices are drawn", "tiny.yaml", "sampling:\n", "sampling:\n  top_p: 0.5\n", NOTHING),
    Edit(
        "A training setting",
        "tiny.yaml",
        "epochs: 3",
        "epochs: 2",
        {"sample_shard": CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    Edit(
        "Contexts with a uniform target",
        "tiny.yaml",
        "  rank: 4",
        "  uniform_target_contexts: [orchestra, exam]\n  rank: 4",
        {"sample_shard": CELLS} | TRAINING | TABLES | NUMBERS,
    ),
    Edit(
        "The number of observations",
        "tiny.yaml",
        "observations: 40",
        "observations: 60",
        {"sample_shard": 2 * CELLS} | TABLES | NUMBERS,
    ),
    Edit(
        "A context more, out of sample",
        "tiny.yaml",
        "contexts: [sports]",
        "contexts: [sports, roommates]",
        {"replay_shard": 2, "sample_shard": 2 * 2} | OUT_OF_SAMPLE_CONTEXT,
    ),
    Edit(
        "A context that moves from one out-of-sample split to another",
        "tiny.yaml",
        "contexts: [sports]\n",
        "contexts: [sports]\n  more_contexts:\n    games: [prisoners_dilemma, stag_hunt]\n    contexts: [sports]\n",
        OUT_OF_SAMPLE_CONTEXT,
    ),
    Edit(
        "A context that moves from out of sample into the training",
        "tiny.yaml",
        "    contexts: [business, friendship]\n"
        "  out_of_sample_contexts:\n    games: [prisoners_dilemma, stag_hunt]\n    contexts: [sports]\n",
        "    contexts: [business, friendship, sports]\n  out_of_sample_contexts: null\n",
        # Teacher and base are not asked again.
        {"gather_shards": 1, "sample_shard": CELLS, "evaluate_split": 2, "plot_propensities": 2}
        | TRAINING
        | {
            name: jobs
            for name, jobs in (TABLES | NUMBERS).items()
            if name not in ("evaluate_split", "plot_propensities")
        },
    ),
    Edit(
        "The experiment's name, for the tables of another one",
        "tiny.yaml",
        "observations: 40",
        "experiment: other\nobservations: 40",
        TABLES | NUMBERS | {"plot_training_curve": 1},
    ),
)
