"""Write the parts of the documentation that follow from the workflow itself.

python docs/generate.py

Replaces what stands between the markers of the pages below: the targets, the config's keys, the graph of rules, the
jobs that an edit makes, the tables' columns, the figures. tests/workflow/test_docs.py fails when one of them is stale.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "tests" / "workflow")]

import edits  # noqa: E402

from tom.config.checks import config_schema  # noqa: E402
from tom.config.store import Store  # noqa: E402
from tom.config.studies import STUDIES  # noqa: E402
from tom.export.model_card import snippet  # noqa: E402

TARGET_FILES = ("workflow/Snakefile", "workflow/rules/targets.smk", "workflow/rules/plan.smk")
EDIT_GROUPS = {
    "training": edits.TRAINING,
    "tables": edits.TABLES,
    "tables of one split": edits.OUT_OF_SAMPLE_CONTEXT,
    "numbers": edits.NUMBERS,
}
"""Jobs that follow one another, and are named as one where an edit makes all of them."""


def key_rows(schema: dict, definitions: dict, default: object, path: str = "") -> list[tuple[str, str, str, str]]:
    """(key, allowed, default, meaning) of every key of a schema, depth first, without those that it refuses."""
    rows, needed = [], required(schema)
    for name, found in schema.get("properties", {}).items():
        entry = resolve(found, definitions)
        key = f"{path}{name}"
        if "not" in entry:
            continue
        value = default.get(name) if isinstance(default, dict) else None
        if "properties" in entry and path.count(".") < 2:
            rows += key_rows(entry, definitions, value, f"{key}.")
        else:
            given = isinstance(default, dict) and name in default
            filled_in = show(value) if given else show(entry["default"]) if "default" in entry else needed.get(name, "")
            rows.append((key, allowed(entry), filled_in, entry.get("description", "")))
    return rows


def required(schema: dict) -> dict[str, str]:
    """Required key → `required`, with the condition where there is one: an engine of weights, or a source."""
    found = {}
    for part in schema.get("allOf", []):
        ((key, condition),) = part["if"]["properties"].items()
        when = f" with `{key}: {condition['const']}`" if "const" in condition else " with weights"
        found |= dict.fromkeys(part["then"]["required"], f"required{when}")
    return found | dict.fromkeys(schema.get("required", []), "required")


def resolve(entry: dict, definitions: dict) -> dict:
    """The schema entry with what it refers to merged in; its own words win."""
    if "$ref" not in entry:
        return entry
    referred = definitions[entry["$ref"].rpartition("/")[2]]
    properties = {**referred.get("properties", {}), **entry.get("properties", {})}
    merged = {**referred, **{key: value for key, value in entry.items() if key != "$ref"}}
    merged |= {key: referred[key] + entry[key] for key in ("allOf", "required") if key in referred and key in entry}
    return merged | {"properties": properties} if properties else merged


def allowed(entry: dict) -> str:
    """The values that a key may have, in words."""
    if "allowed" in entry:
        return entry["allowed"]
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {entry[key]}" for key, sign in bounds.items() if key in entry]
    kind, *others = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
    words = " ".join([{"object": "sections by name", "array": "list"}.get(kind, kind), *limits])
    return " or ".join([words, *others])


def show(value: object) -> str:
    """A default as it stands in a table."""
    if value is None:
        return "`null`"
    if isinstance(value, dict):
        return ", ".join(f"`{key}`" for key in value)
    text = ", ".join(map(str, value)) if isinstance(value, list) and value else str(value)
    return f"`{text[:20]}…`" if len(text) > 45 else f"`{text}`"


def key_table() -> str:
    """The keys of a config as a Markdown table."""
    schema = config_schema()
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    rows = key_rows(schema, schema["$defs"], default)
    lines = [f"| `{key}` | {words} | {value} | {meaning} |" for key, words, value, meaning in rows]
    return "\n".join(["| key | allowed | default | meaning |", "| --- | --- | --- | --- |", *lines])


def rule_graph() -> str:
    """The graph of the rules that `all` needs, as a Mermaid diagram."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--cores", "1"]
    graph = subprocess.run(
        [*command, "--workflow-profile", "none", "--forceall"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    numbers = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", graph, re.MULTILINE))
    edges = sorted({(numbers[a], numbers[b]) for a, b in re.findall(r"^\s*(id\d+) --> (id\d+)", graph, re.MULTILINE)})
    return "\n".join(["```mermaid", "flowchart TB", *(f"    {a} --> {b}" for a, b in edges), "```"])


def target_table() -> str:
    """The targets of the main result: rules with a docstring."""
    rule = re.compile(r'^rule (\w+):\n    """(.*)"""$', re.MULTILINE)
    found = [target for file in TARGET_FILES for target in rule.findall((ROOT / file).read_text())]
    lines = [f"| `{name}` | {about} |" for name, about in found]
    return "\n".join(["| target | what it makes |", "| --- | --- |", *lines])


def study_table() -> str:
    """The studies, each a target."""
    lines = [f"| `{study.name}` | {study.title}. {study.first_sentence} | {study.needs} |" for study in STUDIES]
    return "\n".join(["| target | what it shows | what it needs |", "| --- | --- | --- |", *lines])


def edit_table() -> str:
    """The jobs that each edit of a finished run makes. Groups of jobs are spelt out below the table."""
    lines = ["| edit | jobs |", "| --- | --- |"]
    lines += [f"| {edit.what} | {made_jobs(edit.jobs)} |" for edit in edits.EDITS]
    return "\n".join([*lines, "", *(f"- *{name}*: {job_list(jobs)}" for name, jobs in EDIT_GROUPS.items())])


def made_jobs(jobs: dict[str, int]) -> str:
    """The jobs of an edit, with whole groups by their name."""
    whole = [name for name, group in EDIT_GROUPS.items() if group.items() <= jobs.items()]
    named = set().union(*(EDIT_GROUPS[name] for name in whole))
    rest = {rule: number for rule, number in jobs.items() if rule not in named}
    parts = [job_list(rest)] if rest else []
    return ", ".join([*parts, *(f"*{name}*" for name in whole)]) or "nothing"


def job_list(jobs: dict[str, int]) -> str:
    """Numbers of jobs by rule."""
    return ", ".join(f"{number} `{rule}`" for rule, number in jobs.items())


def fill(text: str, name: str, content: str) -> str:
    """The text with what stands between two markers replaced."""
    begin, end = f"<!-- {name}: python docs/generate.py -->", f"<!-- /{name} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def figure_table() -> str:
    """The figures of a run, with the captions that Snakemake's report and the page give them."""
    pages = ("summary", "workflow")  # no figures
    captions = [file for file in sorted((ROOT / "workflow/report").glob("*.rst")) if file.stem not in pages]
    lines = [f"| `{file.stem}` | {' '.join(file.read_text().split())} |" for file in captions]
    return "\n".join(["| figure | how to read it |", "| --- | --- |", *lines])


def adapter_snippet() -> str:
    """How the default run's adapter is used."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    store = Store(config, ROOT / "resources")
    lines = snippet(config["student"], f"{store.model_folder('student')}/weights", "results/main/export/seed1")
    return f"```python\n{lines}\n```"


def data_dictionary() -> str:
    """The columns of all tables, as Markdown. A table that is like another refers to its columns."""
    document = yaml.safe_load((ROOT / "workflow/schemas/tables.yaml").read_text())
    lines = [" · ".join(f"[{name}](#{name})" for name in document["tables"]), ""]
    for name, table in document["tables"].items():
        lines += [f"## {name}", "", f"`{table['files']}`{writers(table)}", "", table["about"], ""]
        lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        lines += column_rows(table.get("before", {}), document["common"])
        if "like" in table:
            lines.append(f"| *the columns of [{table['like']}](#{table['like']})* | | | |")
        lines += [*column_rows(table.get("columns", {}), document["common"]), ""]
    return "\n".join(lines[:-1])


def writers(table: dict) -> str:
    """Which scripts write a table, and for which study; empty for one that the repository provides."""
    scripts = table.get("made_by", [])
    names = [f"`{script}.py`" for script in ([scripts] if isinstance(scripts, str) else scripts)]
    studies = [study.name for study in STUDIES for own in study.tables if own.file == f"{table['files']}.parquet"]
    target = f" in `snakemake {studies[0]}`" if studies else ""
    return f", written by {', '.join(names)}{target}" if names else ""


def column_rows(columns: dict, common: dict) -> list[str]:
    """One row of the Markdown table for each column; a column without an entry is as in `common`."""
    rows = []
    for column, entry in columns.items():
        kind, unit, meaning = entry or common[column]
        rows.append(f"| `{column}` | {kind} | {unit} | {meaning.replace('|', chr(92) + '|')} |")
    return rows


def pages() -> dict[Path, str]:
    """Each page that holds something generated, as it should be."""
    parts = {
        "docs/running.md": {"targets": target_table, "studies": study_table},
        "config/README.md": {"keys": key_table},
        "docs/pipeline.md": {"rules": rule_graph, "edits": edit_table},
        "docs/adapter.md": {"snippet": adapter_snippet},
        "docs/data_dictionary.md": {"columns": data_dictionary},
        "docs/reading_results.md": {"figures": figure_table},
    }
    texts = {}
    for page, made in parts.items():
        texts[ROOT / page] = (ROOT / page).read_text()
        for name, make in made.items():
            texts[ROOT / page] = fill(texts[ROOT / page], name, make())
    return texts


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
