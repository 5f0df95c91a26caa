"""A run of config/tiny_pair.yaml in a folder of its own, and what must have come of it, whichever engine answered."""

from dataclasses import replace
from pathlib import Path

import polars as pl
from project import Project

from tom.config.study import IN_SAMPLE, cells_of

CONFIGFILES = ("config/config.yaml", "config/tiny_pair.yaml")
MODELS = {"teacher": False, "base": True, "tuned-seed1": False}
REASON = r"(?s)^[CD]\b.*?\w(\s+\S+){3,}"
"""A letter and a sentence behind it."""


def run_pair(folder: Path, model: Path, *configfiles: str, target: str = "all") -> tuple[Project, str]:
    """A project after a run, and what Snakemake said."""
    project = replace(Project.create(folder, model), configfiles=(*CONFIGFILES, *configfiles))
    return project, project.succeed(target)


def in_sample_shards(project: Project) -> list[str]:
    """Every model's shards of the cells that the student is trained on."""
    return project.store().shards(cells_of(project.config()["splits"][IN_SAMPLE]), MODELS)


def check_protocol(project: Project, engine: str, said: str) -> None:
    """Fail unless every model gave choices with reasons and the student came nearer to its teacher."""
    files = [project.folder / file for file in in_sample_shards(project)]
    replies = pl.concat([pl.read_parquet(file) for file in files]).filter(record="observation")
    assert set(replies["engine"]) == {engine}
    for model, untaught in MODELS.items():
        own = replies.filter(model=model)
        assert own.height == 2 * 3 * 60
        assert own["raw"].n_unique() > own.height / 3
        # Untaught, the student names no choice in three replies of ten.
        assert ((own["outcome"] == "read").mean() < 0.85) == untaught
        assert (own["raw"].str.contains(REASON).mean() < 0.85) == untaught
    gaps = pl.read_parquet(project.experiment / "tables/in_sample/alignment.parquet").filter(
        view="both", measure="exact"
    )
    gap = dict(gaps.select("predictor", "gap").rows())
    assert gap["tuned-seed1"] < 0.5 * gap["base"]
    assert "What tiny student learnt from tiny teacher" in said
