"""The lines of docs/reading_results.md that print a part of a table as LaTeX."""

import re

import pandas as pd


def test_the_lines_print_the_chosen_columns(root, tmp_path, monkeypatch, capsys):
    section = (root / "docs" / "reading_results.md").read_text().partition("\n## Tables in LaTeX\n")[2]
    (lines,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/main/tables/in_sample"
    folder.mkdir(parents=True)
    rows = {"view": ["both", "fixed"], "measure": "exact", "predictor": ["base", "tuned"], "gap": 0.25}
    pd.DataFrame(rows | {"gap_closed": 0.5, "n": 1}).to_csv(folder / "alignment.csv")
    exec(lines, {})
    said = capsys.readouterr().out
    assert r"predictor & gap & gap\_closed" in said and "base & 0.250 & 0.500" in said and "tuned" not in said
