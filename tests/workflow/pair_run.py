"""A run of config/tiny_pair.yaml in a folder of its own, and what must have come of it, whichever engine answered."""

from dataclasses import replace
from pathlib import Path

import polars as pl
from project import Project

CONFIGFILES = ("config/config.yaml", "config/tiny_pair.yaml")
MODELS = ("teacher", "base", "tuned-seed1")
REASON = r"(?s)^[CD]\b.*?\w(\s+\S+){3,}"
"""A letter and a sentence behind it."""


def run_pair(folder: Path, model: Path, *configfiles: str) -> tuple[Project, str]:
    """A project after the whole run, and what Snakemake said."""
    project = replace(Project.create(folder, model), configfiles=(*CONFIGFILES, *configfiles))
    return project, project.succeed()


def check_protocol(results: Path, engine: str, said: str) -> None:
    """Fail unless every model gave choices with reasons and the student came nearer to its teacher."""
    files = sorted(results.glob("in_sample/shards/*/*/*.parquet"))
    replies = pl.concat([pl.read_parquet(file) for file in files]).filter(record="observation")
    assert set(replies["engine"]) == {engine}
    for model in MODELS:
        own = replies.filter(model=model)
        assert own.height == 2 * 5 * 60
        assert (own["outcome"] == "read").mean() > 0.9
        assert own["raw"].str.contains(REASON).mean() > 0.8
        assert own["raw"].n_unique() > 20
    gaps = pl.read_parquet(results / "tables/in_sample/alignment.parquet").filter(view="both", measure="exact")
    gap = dict(gaps.select("predictor", "gap").rows())
    assert gap["tuned-seed1"] < 0.7 * gap["base"]
    assert "What tiny student learnt from tiny teacher" in said
