"""Several experiments in one table: whose rows are whose, and what can't be compared is refused."""

import plot_experiments
import polars as pl
import pytest
from tabulate_experiments import main

from tom.core.errors import UserError
from tom.reporting.experiments import compare_experiments
from tom.reporting.tables import write_table


def write(folder, student: str, closed: float, contexts: tuple[str, ...] = ("business", "sports")):
    """A finished experiment of one split, as far as a comparison reads it."""
    (folder / "tables/in_sample").mkdir(parents=True)
    (folder / "contents.yaml").write_text(f"teacher: large\nstudent: {student}\nseeds: [1]\n")
    cells = [{"model": "teacher", "game": "stag_hunt", "context": context} for context in contexts]
    write_table(pl.DataFrame(cells), folder / "tables/in_sample/propensities.parquet")
    rows = [("base", 0.2, None), ("tuned", 0.2 * (1 - closed), closed), ("nearest", 0.1, 0.5)]
    alignment = [
        {"split": "in_sample", "view": "both", "measure": "exact", "predictor": predictor, "gap": gap}
        | {"gap_closed": share, "low": share, "high": share}
        for predictor, gap, share in rows
    ]
    write_table(pl.DataFrame(alignment), folder / "tables/in_sample/alignment.parquet")
    return folder


def test_each_experiment_s_rows_have_its_name_and_its_models(tmp_path):
    folders = [write(tmp_path / name, name.upper(), closed) for name, closed in (("one", 0.3), ("two", 0.6))]
    table = compare_experiments(folders, ["in_sample"])
    assert table.columns[:4] == ["experiment", "teacher", "student", "split"]
    tuned = table.filter(predictor="tuned").select("experiment", "teacher", "student", "gap_closed")
    assert tuned.rows() == [("one", "large", "ONE", 0.3), ("two", "large", "TWO", 0.6)]


def test_a_split_of_one_name_with_other_cells_is_refused(tmp_path):
    folders = [write(tmp_path / "one", "a", 0.3), write(tmp_path / "two", "b", 0.6, ("business",))]
    with pytest.raises(UserError, match=r"two: split in_sample: stag_hunt in sports is not asked .* in .*one"):
        compare_experiments(folders, ["in_sample"])


def test_an_experiment_that_no_run_has_described_is_refused(tmp_path):
    folder = write(tmp_path / "one", "a", 0.3)
    (folder / "contents.yaml").write_text("students: {}\n")
    with pytest.raises(UserError, match=r"contents.yaml: names no teacher and student"):
        compare_experiments([folder], ["in_sample"])


def test_the_table_is_printed_with_each_student_s_gap(tmp_path, monkeypatch, capsys):
    folders = [str(write(tmp_path / name, name, closed)) for name, closed in (("one", 0.3), ("two", 0.6))]
    words = ["tabulate", "--experiments", *folders, "--splits", "in_sample", "--output", str(tmp_path / "t.parquet")]
    monkeypatch.setattr("sys.argv", words)
    main()
    lines = [line.split("|") for line in capsys.readouterr().out.splitlines() if "0.200 →" in line]
    assert [(line[2].strip(), line[5].strip()) for line in lines] == [
        ("one", "0.200 → 0.140"),
        ("two", "0.200 → 0.080"),
    ]


def test_no_label_of_the_figure_stands_twice(tmp_path):
    def figure_of(students: list[str]):
        folders = [write(tmp_path / "-".join(students) / name, student, 0.5) for name, student in zip("ab", students)]
        rows = compare_experiments(folders, ["in_sample"]).with_columns(cells=pl.lit(2), confidence=pl.lit(0.95))
        both = [rows, rows.with_columns(split=pl.lit("other"))]
        return plot_experiments.plot_experiments(plot_experiments.rows_of(pl.concat(both)))

    figure = figure_of(["small", "small"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert figure.get_supxlabel().startswith("Teacher: large. Student: small. n = 2 cells per split.")
    assert [axes.get_xlabel() for axes in figure.axes] == ["gap closed (%)", ""]
    figure = figure_of(["small", "larger"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a: small", "b: larger"]
    assert "small" not in figure.get_supxlabel()
    names = pl.DataFrame({"experiment": ["a", "b", "c"], "teacher": ["x", "y", "x"]})
    assert plot_experiments.whose(names, "teacher") == "Teachers: x (a, c); y (b)."
