"""The page's template, filled: one HTML file that asks no network for anything."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markdown_it import MarkdownIt
from markupsafe import Markup

from tom.errors import BadInput
from tom.page.numbers import grouped
from tom.page.texts import read_text


def render(folder: Path, **values: object) -> str:
    """The page from the template, style and script in a folder; everything else that comes in is escaped."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        # By default the file's suffix decides, and a template that is renamed would let replies through as markup.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"grouped": grouped}
    try:
        template = environment.get_template("page.html.jinja")
    except TemplateNotFound as error:
        raise BadInput(f"{folder / str(error)}: no such template") from None
    # Files of the template's own, which are not escaped.
    style, script = (Markup(read_text(folder / name, "part of the page")) for name in ("page.css", "page.js"))
    return template.render(style=style, script=script, script_hash=source_hash(script), **values)


def source_hash(script: str) -> str:
    """What a content security policy calls a script: the only one that browsers then run, whatever a reply holds."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def from_markdown(text: str) -> Markup:
    """Markdown as HTML, markup in it escaped; the first heading is left out, since the page has one."""
    lines = text.splitlines()
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    rendered = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    return Markup(rendered.render("\n".join(lines)))
