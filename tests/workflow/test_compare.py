"""Two experiments of one folder of results, side by side: nothing is asked or trained for the comparison."""

from collections import Counter

import polars as pl
import pytest

pytestmark = pytest.mark.slow


def test_a_finished_experiment_is_set_beside_the_config_s_own(project):
    project.edit("tiny.yaml", "labels: [letters", "compared_experiments: [other]\nlabels: [letters")
    said = project.run("compare").stderr
    assert "tiny.yaml: compared_experiments: 'other'" in said and "(allowed: none yet)" in said

    config = project.folder / "tiny.yaml"
    own = config.read_text()
    config.write_text(own.replace("epochs: 3", "epochs: 1") + "experiment: other\n")
    project.succeed("in_sample")
    config.write_text(own)

    # The other has no split but in_sample, so that is what is compared.
    assert project.plan("compare") == Counter(tabulate_experiments=1, plot_experiments=1)
    project.succeed("compare")
    table = pl.read_parquet(project.experiment / "tables" / "experiments.parquet")
    assert set(table["split"]) == {"in_sample"}
    for experiment in ("main", "other"):
        written = pl.read_parquet(project.experiment.parent / experiment / "tables/in_sample/alignment.parquet")
        assert table.filter(experiment=experiment).drop("experiment", "teacher", "student").equals(written)
    gaps = table.filter(predictor="tuned", view="both", measure="exact")["gap"]
    assert len(gaps) == gaps.n_unique() == 2
    assert all(
        (project.experiment / f"figures/experiments.{kind}").stat().st_size > 5000 for kind in ("pdf", "png", "svg")
    )
    assert project.plan("compare") == Counter()
