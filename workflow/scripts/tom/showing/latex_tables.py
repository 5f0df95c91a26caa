"""Tables as LaTeX, to be included with \\input; needs the packages booktabs and longtable."""

import polars as pl


def latex_table(table: pl.DataFrame, digits: int = 3) -> str:
    """A longtable with a head on each page: text escaped, numbers flush right, floats to `digits` after the point.

    Null is an en dash. The Parquet file beside it has all digits.
    """
    # pandas takes half a second to import, and readers of tables have no use for it.
    import pandas as pd

    # Column by column and as objects: null and nan stay apart, whole numbers stay whole.
    frame = pd.DataFrame({name: pd.Series(table[name].to_list(), dtype=object) for name in table.columns})
    style = frame.style.format(precision=digits, na_rep="--", escape="latex").format_index(
        escape="latex", axis="columns"
    )
    aligned = "".join("r" if dtype.is_numeric() else "l" for dtype in table.dtypes)
    return style.hide(axis="index").to_latex(column_format=aligned, hrules=True, environment="longtable")
