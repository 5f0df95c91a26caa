import numpy as np
import pytest
from statsmodels.stats.proportion import proportions_ztest

from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.improvement import (
    improvement,
    improvement_table,
    published_improvement,
    summarise_improvements,
    verdict,
)
from tom.paper.published_choices import read_published_split
from tom.statistics.resampling import Counted, Known


@pytest.mark.parametrize(
    ("split", "mean", "median"),
    [
        ("in_sample", 46.26, 32.33),
        ("out_of_sample_contexts", 17.90, 13.66),
        ("doubled_payoffs", 39.95, 17.39),
    ],
)
def test_the_papers_headlines(resources, split, mean, median):
    counts = read_published_split(resources / "paper" / "observed_choices.csv", split)
    found = summarise_improvements(published_improvement(counts))
    assert found["mean_improvement"] == pytest.approx(mean, abs=0.005)
    assert found["median_improvement"] == pytest.approx(median, abs=0.005)
    assert found["cells_without_gap"] == 0


def test_improvement_by_hand():
    # Half the way; away; beyond; from below.
    found = improvement([200, 200, 200, 100], [150, 220, 50, 125], [100, 100, 100, 200])
    assert found == pytest.approx([50, -20, 150, 25])


def test_cells_without_gap_are_counted_not_averaged():
    found = summarise_improvements(improvement([10, 5], [5, 7], [0, 5]))
    assert found == {"mean_improvement": 50, "median_improvement": 50, "cells_without_gap": 1}
    nothing = summarise_improvements(improvement([5], [7], [5]))
    assert np.isnan(nothing["mean_improvement"])
    assert nothing["cells_without_gap"] == 1


@pytest.mark.parametrize(
    ("percent", "p_value", "expected"),
    [
        (50, 0.001, "improvement"),
        (100, 0.001, "improvement"),
        (0, 0.001, "improvement"),
        (-1, 0.001, "exacerbation"),
        (101, 0.001, "overcorrection"),
        (50, 0.06, "undetermined"),
        (np.nan, 1.0, "undetermined"),
        (np.nan, 0.0, "undetermined"),
    ],
)
def test_verdict(percent, p_value, expected):
    assert verdict(percent, p_value, 0.95) == expected


def test_improvement_table_uses_the_test_of_its_measure():
    teacher = Counted(np.array([[30], [150]]), np.array([[300], [300]]))
    cells = [("stag_hunt", "business"), ("stag_hunt", "sports")]
    base, tuned = np.array([[0.9, 0.7], [0.5, 0.5]]), np.array([[0.5, 0.4], [0.4, 0.4]])
    readable = np.full((2, 2), 150)
    sampled = AlignedCounts(
        cells, teacher, Counted(base * 150, readable), {"tuned-seed1": Counted(tuned * 150, readable)}
    )
    exact = AlignedCounts(cells, teacher, Known(base), {"tuned-seed1": Known(tuned)})
    table = improvement_table({("both", "sampled"): sampled, ("both", "exact"): exact}, "in_sample", 0.95)
    for measure in ("sampled", "exact"):
        rows = table.filter(measure=measure).sort("context")
        assert rows["context"].to_list() == ["business", "sports"]
        assert rows["improvement"][0] == pytest.approx(50)
        assert rows["improvement"][1] is None
        assert rows["verdict"].to_list() == ["improvement", "undetermined"]
    p_values = dict(table.filter(context="business").select("measure", "p_base_is_teacher").rows())
    assert p_values["sampled"] == pytest.approx(proportions_ztest([30, 240], [300, 300])[1])
    assert p_values["exact"] != p_values["sampled"]
