"""What the page says: all values that its template asks for, from the tables and files of a run."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tom.evaluation.propensities import headline_view_of
from tom.page.cells import cells_table, paper_table
from tom.page.durations import Jobs, duration_table, duration_words, total_durations
from tom.page.figures import (
    DETAILS,
    Figure,
    describe_gap_closed,
    describe_numbers,
    describe_order_bias,
    describe_propensities,
    figure,
    read_caption,
    read_text,
)
from tom.page.html_tables import Dictionary, from_markdown, markdown_parts, result_tables
from tom.page.prompts import choice_prompts, example, number_prompts, prompt_table
from tom.page.provenance import commit, config_sha256, config_text, model_table, text_table, versions
from tom.page.replies import UNREADABLE_CAP, transcripts, unreadable_tables
from tom.page.studies import study_results
from tom.paper.published_choices import SPLITS, published_propensities
from tom.reporting.summary import BESIDE_PAPER, DISTANCES
from tom.reporting.wording import readable


@dataclass(frozen=True)
class Sources:
    """The other files of a run, and where they lie.

    experiment: the folder of its own results. benchmarks, logs: the folders of all jobs' files. jobs: those that the
    page times. outdated: files of studies.
    """

    summary: Path
    figures: list[Path]
    captions: Path
    published: Path
    manifests: list[Path]
    texts: list[Path]
    experiment: Path
    benchmarks: Path
    logs: Path
    jobs: list[Jobs]
    outdated: list[str]
    project: Path


def page_values(
    tables: dict[str, pl.DataFrame],
    files: dict[str, list[str]],
    sources: Sources,
    dictionary: Dictionary,
    config: dict,
) -> dict:
    """Values by the template's names. tables, files: by the names of tables, all splits together."""
    rates, replies, propensities = (tables[name] for name in ("rates", "replies", "propensities"))
    confidence = config["evaluation"]["confidence"]
    student, teacher = config["student"]["name"], config["teacher"]["name"]
    compared = tables["alignment"]["split"].unique(maintain_order=True).to_list()
    studies, unmade = study_results(sources.experiment, compared, sources.outdated, dictionary)
    asked = choice_prompts(rates, sources.texts, config)
    prompts = [*asked, *number_prompts(tables.get("number_means"), sources.texts)]
    told = markdown_parts(read_text(sources.summary, "summary"))
    verdict, distances, beside_paper = (told.pop(name, "") for name in ("", DISTANCES, BESIDE_PAPER))
    durations = total_durations(sources.jobs, sources.benchmarks, sources.logs)
    return {
        "student": student,
        "teacher": teacher,
        "verdict": verdict,
        "distances": distances,
        "beside_paper": beside_paper,
        "summary": told,
        "confidence": confidence,
        "figures": run_figures(tables, sources),
        "paper_figures": paper_figures(propensities, sources, confidence),
        "paper_table": paper_table(propensities, sources.published, confidence),
        "cells": cells_table(rates, propensities, dictionary, files["rates"]),
        "tables": result_tables(tables, files, dictionary),
        "studies": studies,
        "unmade": unmade,
        "transcripts": transcripts(replies, dictionary, files["replies"]),
        "recorded": config["teacher"]["engine"] == "recorded"
        and "replies" not in config["teacher"].get("recorded", {}),
        "observations": int(rates["observations"].sum()),
        "unreadable": int(rates["invalid"].sum()),
        "examples": UNREADABLE_CAP,
        "unreadable_tables": unreadable_tables(replies, dictionary, files["replies"]),
        "models": model_table(sources.manifests),
        "teacher_engine": config["teacher"]["engine"],
        "terms": from_markdown(read_text(sources.captions / "workflow.rst", "explanation of terms")),
        "example": example(asked, propensities),
        "prompts": prompt_table(prompts, files["rates"]),
        "texts": text_table(sources.texts),
        "config": config_text(config),
        "config_sha256": config_sha256(config),
        "versions": versions(),
        "commit": commit(sources.project),
        "durations": duration_table(durations, sources.benchmarks),
        "duration_words": duration_words(durations),
    }


def run_figures(tables: dict[str, pl.DataFrame], sources: Sources) -> dict[str, list[Figure]]:
    """The run's own figures; those of one kind have their caption once.

    `first`: the share of the gap that is closed. `folded`: figures of details. `others`: the rest.
    """
    propensities = tables["propensities"]
    view = headline_view_of(propensities)
    found = {file.stem: file for file in sources.figures}
    others, folded = [], []
    # A run in one option order has none.
    if "order_bias" in found:
        words = describe_order_bias(propensities)
        others.append(_captioned(found["order_bias"], sources, "Option order", words))
    for split in propensities["split"].unique(maintain_order=True):
        words = describe_propensities(propensities, split, view)
        shown = _captioned(found[f"propensities-{split}"], sources, f"Propensities: {readable(split)}", words)
        others.append(shown if split == propensities["split"][0] else replace(shown, caption=""))
    words = "Students' propensities plotted against their teacher's, a panel for each split and student. "
    folded.append(_captioned(found["agreement"], sources, "Agreement with the teacher", words + DETAILS))
    numbers = tables["number_means"]["split"].unique(maintain_order=True) if "number_means" in tables else []
    for split in numbers:
        words = describe_numbers(tables["number_means"], split)
        folded.append(_captioned(found[f"numbers-{split}"], sources, f"Numbers named: {readable(split)}", words))
    # A run with frozen adapters has no training curve.
    if "training_curve" in found:
        words = "Lines of the training loss and the learning rate over steps, one for each seed."
        folded.append(_captioned(found["training_curve"], sources, "Training", words))
    closed = describe_gap_closed(tables["alignment"])
    return {
        "first": [_captioned(found["gap_closed"], sources, "Gap closed", closed)],
        "others": others,
        "folded": folded,
    }


def paper_figures(propensities: pl.DataFrame, sources: Sources, confidence: float) -> dict[str, tuple[Figure, Figure]]:
    """Split, readable → (the paper's, this run's) propensities in the paper's option order, where both have them.

    Without captions, since the text above them says what they are.
    """
    found = {file.stem: file for file in sources.figures}
    pairs = {}
    for split in propensities["split"].unique(maintain_order=True):
        if split not in SPLITS or f"paper_order-{split}" not in found:
            continue
        theirs = published_propensities(sources.published, split, confidence)
        words = describe_propensities(theirs, split, "fixed", "the paper's ")
        ours = describe_propensities(propensities, split, "fixed")
        pairs[readable(split)] = (
            figure(found[f"paper-{split}"], "The paper", words, ""),
            figure(found[f"paper_order-{split}"], "This run", ours, ""),
        )
    return pairs


def _captioned(file: Path, sources: Sources, title: str, alternative: str) -> Figure:
    caption = read_caption(sources.captions, file.stem.partition("-")[0])
    return figure(file, title, alternative, caption)
