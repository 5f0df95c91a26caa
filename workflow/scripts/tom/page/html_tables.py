"""Tables as the page's template needs them: rows of texts, and columns with their meanings."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from tom.core.errors import UserError
from tom.core.table_columns import Heading, describe_columns, headings, read_registry
from tom.evaluation.baselines import BASELINES
from tom.evaluation.propensities import headline_view_of
from tom.page.figures import read_text
from tom.reporting.figure_style import BASELINES as FIGURE_BASELINES
from tom.reporting.findings import headline_measure
from tom.reporting.main_result import VIEW_NAMES
from tom.reporting.wording import NOTHING, counted, grouped, minus_signs, readable, shown

NAMES = ("split", "game", "context", "order")
"""Columns of names, which the page shows with a capital and with spaces."""

MOST_ROWS = 5000
"""More rows of one table, as hundreds of games have, make a page of tens of MB that browsers are slow with."""

REPLY, PROMPT = "raw", "prompt"
"""Columns of whole texts, which are shown unchanged: null is no text, which differs from an empty text."""

SHARE, PERCENT = "share", "%"
"""The unit of shares in tables, and the one in which the page shows them, as summary and figures do."""

TITLES = {
    REPLY: "reply",
    "view": "order",
    "sha256": "SHA-256",
    "prompt_sha256": "prompt's SHA-256",
    "pooled": "all its orders count",
    "cpu_seconds": "CPU-seconds",
    "load_seconds": "seconds loading",
    "gpu_seconds": "GPU-seconds",
    "gpu_load_seconds": "GPU-seconds loading",
    "peak_mib": "peak MiB",
}
"""Headings of columns whose heading is not their name."""

PREDICTORS = {
    "base": "base student",
    "tuned": "tuned student",
    "paper_base": "paper's base",
    "paper_tuned": "paper's student",
    "uniform": "all numbers equally likely",
    "middle": "the middle number",
} | {name: style.label for name, style in FIGURE_BASELINES.items()}
"""Predictor → the words for it that the page explains; others are words already."""

WORDS = {
    "view": VIEW_NAMES,
    "order": VIEW_NAMES,
    "teacher_answers": {"pooled": "sampled, all its orders"},
    "predictor": PREDICTORS,
    "against": PREDICTORS,
}
"""Column → its value → the words for it on the page. Files keep the values."""

Dictionary = dict[str, dict[str, tuple[str, str, str]]]
"""Table → column → (type, unit, meaning)."""


@dataclass(frozen=True)
class Column:
    """A column: its name in the table, its heading, its meaning, and whether its values are numbers."""

    name: str
    title: str
    meaning: str
    numeric: bool


@dataclass(frozen=True)
class Table:
    """A table ready to be shown.

    key: the id of its element. rows: one text a column, None only for a reply without text. files: those with all
    digits. filters: columns whose values the page offers as a filter. preset: such a column → the value that the page
    opens with; all rows elsewhere.
    """

    key: str
    title: str
    about: str
    columns: list[Column]
    rows: list[list[str | None]]
    files: list[str]
    filters: tuple[str, ...] = ()
    preset: dict[str, str] = field(default_factory=dict)

    def values(self, name: str) -> list[str | None]:
        """The distinct texts of a column, in the order of their first appearance."""
        at = [column.name for column in self.columns].index(name)
        return list(dict.fromkeys(row[at] for row in self.rows))

    def offered(self) -> list[tuple[Column, list[str]]]:
        """The filters with two values or more, each with its values."""
        found = {column.name: column for column in self.columns}
        choices = [(found[name], self.values(name)) for name in self.filters if name in found]
        return [(column, values) for column, values in choices if len(values) > 1]


def read_dictionary(file: str | Path) -> Dictionary:
    """The columns of all tables of a registry (workflow/schemas/tables.yaml). Errors: UserError names the file."""
    try:
        return {table: describe_columns(table, Path(file)) for table in read_registry(Path(file))["tables"]}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: not a registry of tables ({type(error).__name__}: {error})") from None


def to_table(
    frame: pl.DataFrame,
    described: dict[str, tuple[str, str, str]],
    key: str,
    title: str,
    about: str = "",
    files: list[str] | None = None,
    filters: tuple[str, ...] = NAMES[:1],
) -> Table:
    """A frame as a table; columns without any value are left out, and rows beyond MOST_ROWS, which `about` then says.

    described: column → (type, unit, meaning).
    """
    if frame.height > MOST_ROWS:
        cut = f"The first {grouped(MOST_ROWS)} of {counted(frame.height, 'row')}; the files hold all."
        about, frame = f"{about} {cut}".strip(), frame.head(MOST_ROWS)
    kept = [name for name in frame.columns if frame[name].null_count() < frame.height]
    shares = [name for name in kept if described.get(name, ("", "", ""))[1] == SHARE and frame[name].dtype.is_float()]
    frame = frame.with_columns(pl.col(name) * 100 for name in shares)
    titles = {name: f"{TITLES.get(name, name)}{f' ({PERCENT})' * (name in shares)}" for name in kept}
    columns = [
        Column(name, readable(titles[name]), _meaning(name, described.get(name)), frame[name].dtype.is_numeric())
        for name in kept
    ]
    texts = [_texts(name, frame[name].to_list(), name in shares) for name in kept]
    return Table(key, title, about, columns, list(map(list, zip(*texts, strict=True))), files or [], filters)


def _texts(name: str, values: list, in_percent: bool) -> list[str | None]:
    if name in (REPLY, PROMPT):
        return values
    if in_percent:
        # Zero is added to a rounded number, since nothing is less than 0 by −0.0.
        return [shown(None) if value is None else minus_signs(f"{round(value, 1) + 0.0:.1f}") for value in values]
    if words := WORDS.get(name):
        values = [words.get(value, value) for value in values]
    return [_named(value, name) for value in values]


def _named(value: object, name: str) -> str:
    return readable(value) if value and name in NAMES else shown(value)


def _meaning(name: str, entry: tuple[str, str, str] | None) -> str:
    if entry is None:
        return ""
    # The registry is written in Markdown.
    unit, meaning = (part.replace("`", "") for part in entry[1:])
    for value, words in WORDS.get(name, {}).items():
        meaning = re.sub(rf"\b{value}(?![-\w])", words, meaning)
    return f"{meaning} ({PERCENT if unit == SHARE else unit})" if unit else meaning


def render(folder: Path, **values: object) -> str:
    """The page, from the template, style and script in a folder. All values are escaped.

    Errors: UserError names a file that is missing.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        # By default the template's suffix decides, so renaming the template could let markup in replies through.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"grouped": grouped, "counted": counted, "with_code": with_code}
    try:
        template = environment.get_template("page.html.jinja")
    except TemplateNotFound as error:
        raise UserError(f"{folder / str(error)}: no such template") from None
    # Files that belong to the template are not escaped.
    style, script = (Markup(read_text(folder / name, "part of the page")) for name in ("page.css", "page.js"))
    return numbered(template.render(style=style, script=script, script_hash=source_hash(script), **values))


NUMBER = '<span class="number">{}</span>'
"""What stands where a figure or a table of the page has its number. No value can hold it, since values are escaped."""
_NUMBER = re.compile(NUMBER.format("(Figure|Table)"))


def numbered(page: str) -> str:
    """The page with its figures and its tables numbered in the order in which they stand; each number is a target."""
    last: Counter[str] = Counter()

    def number(found: re.Match) -> str:
        kind = found[1]
        last[kind] += 1
        return f'<span class="number" id="{kind.lower()}-{last[kind]}">{kind} {last[kind]}</span>'

    return _NUMBER.sub(number, page)


def source_hash(script: str) -> str:
    """A script's name in a content security policy. Browsers then run this script only, whatever a reply contains."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


ON_A_PHONE = 5
"""Columns that a table of Markdown may have on the screen of a phone."""
TITLE = f'<p class="title">{NUMBER.format("Table")}</p>'
SWIPE = '<p class="swipe">Wider than this screen: swipe the table sideways.</p>'


def from_markdown(text: str) -> Markup:
    """Markdown as HTML, with markup escaped.

    Each table has a number, and a box of its own, which scrolls on a narrow screen; above one that is cut off there,
    words say so.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    before, *tables = parser.render(text).split("<table>")
    for table in tables:
        wide = table.partition("</thead>")[0].count("</th>") > ON_A_PHONE
        before += TITLE + (SWIPE if wide else "")
        before += f'<div class="across" tabindex="0" role="region" aria-label="table"><table>{table}'
    # A summary writes a missing value as plain text does.
    return Markup(before.replace("</table>", "</table></div>").replace(">-</td>", f">{NOTHING}</td>"))


def markdown_parts(text: str) -> dict[str, Markup]:
    """Heading → what is below it, as HTML, of a text with a title. What comes before the first heading has none: ``."""
    parts: dict[str, list[str]] = {"": []}
    for line in text.splitlines():
        if line.startswith("## "):
            parts[line.removeprefix("## ")] = []
        elif not line.startswith("# "):
            parts[[*parts][-1]].append(line)
    return {heading: from_markdown("\n".join(lines)) for heading, lines in parts.items()}


def with_code(text: str) -> Markup:
    """A sentence as HTML, with markup escaped. What stands in backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


KEYS = ("split", "view", "measure", "model", "predictor")
FILTERS = (*KEYS, "level", "quantity", "verdict")
LEADS = tuple(f"{baseline}_{column}" for baseline in BASELINES for column in ("lead", "low", "high"))
LEADS_HEADING = Heading("Leads over the baselines", "Gap closed, less what each baseline closes.")


def result_tables(tables: dict[str, pl.DataFrame], files: dict[str, list[str]], dictionary: Dictionary) -> list[Table]:
    """The run's tables that have a heading and hold rows. tables, files: by the registry's names of tables.

    Gaps open with the rows of the headline.
    """
    found = [
        to_table(part, dictionary.get(name, {}), key, shown.title, shown.caption, files.get(name, []), FILTERS)
        for name, heading in headings().items()
        if name in tables
        for key, shown, part in _parts(name, heading, tables[name])
        if part.height
    ]
    preset = _headline(tables.get("alignment"))
    return [_opened_with(table, preset) if table.key.startswith("table-alignment") else table for table in found]


def _headline(alignment: pl.DataFrame | None) -> dict[str, str]:
    """The view and the measure by which the summary judges a run, in the page's words."""
    if alignment is None or not {"view", "measure"} <= set(alignment.columns):
        return {}
    shown = headline_measure(alignment)
    return {"view": VIEW_NAMES[headline_view_of(shown)], "measure": shown["measure"][0]}


def _opened_with(table: Table, preset: dict[str, str]) -> Table:
    """The table with those of the preset's values that are offered and hold rows, which `about` then says."""
    kept = {column.name: preset[column.name] for column, values in table.offered() if preset.get(column.name) in values}
    if not kept:
        return table
    titles = {column.name: column.title.lower() for column in table.columns}
    chosen = ", ".join(f"{titles[name]}: {value}" for name, value in kept.items())
    first = f"Opens with the rows of the result above ({chosen}); “all” shows the others."
    return replace(table, about=f"{table.about} {first}".strip(), preset=kept)


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
