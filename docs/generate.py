"""Write what the documentation shows of the workflow itself: the config's knobs, the graph of rules, the columns.

python docs/generate.py

Replaces what stands between the markers in config/README.md, docs/pipeline.md and docs/data_dictionary.md;
tests/workflow/test_docs.py fails when that is stale.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def knob_rows(schema: dict, definitions: dict, default: object, path: str = "") -> list[tuple[str, str, str, str]]:
    """(key, allowed, default, meaning) of every knob below a schema, depth first, less those that it refuses."""
    rows = []
    for name, found in schema.get("properties", {}).items():
        entry = resolve(found, definitions)
        key = f"{path}{name}"
        if "not" in entry:
            continue
        value = default.get(name) if isinstance(default, dict) else None
        if "properties" in entry and path.count(".") < 2:
            rows += knob_rows(entry, definitions, value, f"{key}.")
        else:
            rows.append((key, allowed(entry), show(value), entry.get("description", "")))
    return rows


def resolve(entry: dict, definitions: dict) -> dict:
    """The schema entry with what it refers to merged in; its own words win."""
    if "$ref" not in entry:
        return entry
    referred = definitions[entry["$ref"].rpartition("/")[2]]
    properties = {**referred.get("properties", {}), **entry.get("properties", {})}
    merged = {**referred, **{key: value for key, value in entry.items() if key != "$ref"}}
    return merged | {"properties": properties} if properties else merged


def allowed(entry: dict) -> str:
    """What a knob may be, in words."""
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {entry[key]}" for key, sign in bounds.items() if key in entry]
    return " ".join([{"object": "sections by name", "array": "list"}.get(entry["type"], entry["type"]), *limits])


def show(value: object) -> str:
    """A default as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"`{key}`" for key in value)
    text = ", ".join(map(str, value)) if isinstance(value, list) and value else str(value)
    return f"`{text[:20]}…`" if len(text) > 45 else f"`{text}`"


def knob_table() -> str:
    """The knobs of config/config.yaml as a Markdown table."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    rows = knob_rows(schema, schema["$defs"], default)
    lines = [f"| `{key}` | {words} | {value} | {meaning} |" for key, words, value, meaning in rows]
    return "\n".join(["| key | allowed | default | meaning |", "| --- | --- | --- | --- |", *lines])


def rule_graph() -> str:
    """The graph of rules behind `all`, as a Mermaid diagram."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--cores", "1"]
    graph = subprocess.run(
        [*command, "--workflow-profile", "none", "--forceall"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    numbers = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", graph, re.MULTILINE))
    edges = sorted({(numbers[a], numbers[b]) for a, b in re.findall(r"^\s*(id\d+) --> (id\d+)", graph, re.MULTILINE)})
    return "\n".join(["```mermaid", "flowchart TB", *(f"    {a} --> {b}" for a, b in edges), "```"])


def fill(text: str, name: str, content: str) -> str:
    """The text with what stands between two markers replaced."""
    begin, end = f"<!-- {name}: python docs/generate.py -->", f"<!-- /{name} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def data_dictionary() -> str:
    """The columns of all tables, as Markdown. A table that is like another refers to its columns."""
    document = yaml.safe_load((ROOT / "workflow/schemas/tables.yaml").read_text())
    lines = []
    for name, table in document["tables"].items():
        lines += [f"## {name}", "", f"`{table['files']}`{writers(table)}", "", table["about"], ""]
        lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        lines += column_rows(table.get("before", {}), document["common"])
        if "like" in table:
            lines.append(f"| *the columns of [{table['like']}](#{table['like']})* | | | |")
        lines += [*column_rows(table.get("columns", {}), document["common"]), ""]
    return "\n".join(lines[:-1])


def writers(table: dict) -> str:
    """Which scripts write a table; empty for one that the repository provides."""
    scripts = table.get("made_by", [])
    names = [f"`{script}.py`" for script in ([scripts] if isinstance(scripts, str) else scripts)]
    return f", written by {', '.join(names)}" if names else ""


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
        "config/README.md": ("knobs", knob_table),
        "docs/pipeline.md": ("rules", rule_graph),
        "docs/data_dictionary.md": ("columns", data_dictionary),
    }
    return {ROOT / page: fill((ROOT / page).read_text(), name, make()) for page, (name, make) in parts.items()}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
