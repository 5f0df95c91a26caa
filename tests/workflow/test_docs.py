"""Pages that show the workflow itself show today's."""

import subprocess
import sys

from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))

import generate


def test_generated_pages_are_fresh():
    for page, text in generate.pages().items():
        assert page.read_text() == text, f"{page.name} is stale: python docs/generate.py"


def test_every_stage_that_the_readme_names_is_a_target():
    listed = subprocess.run(
        [sys.executable, "-m", "snakemake", "--list-target-rules", "--workflow-profile", "none"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = (REPOSITORY / "README.md").read_text()
    for target in (
        "prepare",
        "train",
        "sample_in_sample",
        "in_sample",
        "out_of_sample",
        "validate",
        "validate_reworded",
        "learning_curve",
        "controls",
        "compare_prompt_formats",
        "compare_training_targets",
        "collateral",
        "labels",
        "counterbalancing",
        "response_curves",
        "transfer_matrix",
        "plan",
        "precision_drift",
        "report",
    ):
        assert f"snakemake {target}" in words
        assert target in listed
