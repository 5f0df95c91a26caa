"""The result tables of the page, under the titles and in the order of the registry of tables."""

import polars as pl

from tom.core.table_columns import Heading, headings
from tom.evaluation.baselines import BASELINES
from tom.page.html_tables import Dictionary, Table, to_table

KEYS = ("split", "view", "measure", "model", "predictor")
FILTERS = (*KEYS, "level", "quantity", "verdict")
LEADS = tuple(f"{baseline}_{column}" for baseline in BASELINES for column in ("lead", "low", "high"))
LEADS_HEADING = Heading("Leads over the baselines", "Gap closed, less what each baseline closes.")


def result_tables(tables: dict[str, pl.DataFrame], files: dict[str, list[str]], dictionary: Dictionary) -> list[Table]:
    """The run's tables that have a heading and hold rows. tables, files: by the registry's names of tables."""
    return [
        to_table(part, dictionary.get(name, {}), key, shown.title, shown.caption, files.get(name, []), FILTERS)
        for name, heading in headings().items()
        if name in tables
        for key, shown, part in _parts(name, heading, tables[name])
        if part.height
    ]


def _parts(name: str, heading: Heading, frame: pl.DataFrame) -> list[tuple[str, Heading, pl.DataFrame]]:
    """(key, heading, rows) of what the page shows of a table: the leads of the alignment table are shown apart."""
    key = f"table-{name}"
    if name == "alignment":
        leads = frame.select(*(column for column in KEYS if column in frame.columns), *LEADS)
        leads = leads.filter(pl.any_horizontal(pl.col(LEADS).is_not_null()))
        return [(key, heading, frame.drop(LEADS)), (f"{key}-leads", LEADS_HEADING, leads)]
    if name == "propensities":
        frame = frame.filter(pl.col("level") != "cell")
    return [(key, heading, frame)]
