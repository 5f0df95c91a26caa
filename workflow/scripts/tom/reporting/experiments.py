"""Several finished experiments in one table: other students of a teacher, or other teachers.

Each experiment is measured by its own run. They can be set side by side where they ask the same cells, so a split of
one name that asks others is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import yaml

from tom.core.errors import UserError
from tom.reporting.tables import read_table


@dataclass(frozen=True)
class Experiment:
    """A finished experiment: its folder, and the names of its models."""

    folder: Path
    teacher: str
    student: str

    @classmethod
    def read(cls, folder: Path) -> "Experiment":
        """Errors: UserError if no run has written its contents.yaml."""
        file = folder / "contents.yaml"
        try:
            contents = yaml.safe_load(file.read_text(encoding="utf-8"))
            return cls(folder, contents["teacher"], contents["student"])
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            raise UserError(f"{file}: names no teacher and student (a run of its config writes them)") from None

    def table(self, split: str, name: str) -> Path:
        """The file of one of its tables."""
        return self.folder / "tables" / split / f"{name}.parquet"

    def cells(self, split: str) -> set[tuple[str, str]]:
        """The (game, context) that its teacher answered in a split."""
        table = read_table(self.table(split, "propensities"))
        return set(table.filter(model="teacher").select("game", "context").drop_nulls().rows())


def compare_experiments(folders: list[Path], splits: list[str]) -> pl.DataFrame:
    """The alignment of all experiments, the first one's rows first. splits: those that all have; in_sample is one.

    Errors: UserError if an experiment asks other cells than the first in a split, or is not finished.
    """
    experiments = [Experiment.read(folder) for folder in folders]
    tables = []
    for split in splits:
        cells = experiments[0].cells(split)
        for experiment in experiments:
            if odd := sorted(experiment.cells(split) ^ cells):
                game, context = odd[0]
                raise UserError(
                    f"{experiment.folder}: split {split}: {game} in {context} is not asked both here and in"
                    f" {experiments[0].folder} (allowed: experiments whose splits of one name have the same cells)"
                )
            names = {"experiment": experiment.folder.name, "teacher": experiment.teacher, "student": experiment.student}
            own = read_table(experiment.table(split, "alignment"))
            tables.append(own.select(*(pl.lit(value).alias(name) for name, value in names.items()), pl.all()))
    return pl.concat(tables)
