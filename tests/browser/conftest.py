"""What the tests of the page in a browser share. They need Chromium: make test-page."""

import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

from made_page import build, make_studies, page_inputs

# Nothing of the browser's own may ask the network: the tests count requests.
FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def page_file(tmp_path_factory, root) -> Path:
    """A page with replies and tables of studies that try to break out of it."""
    folder = tmp_path_factory.mktemp("page")
    arguments = page_inputs(folder, root)
    stale, *_ = make_studies(folder / "results/main")
    return build([*arguments, "--outdated", stale], folder / "report.html")


@pytest.fixture(scope="session")
def chromium():
    """Headless, each time with a profile of its own."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("no chromium on the PATH: make test-page installs it, or says how")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, chromium_sandbox=False)
        yield browser
        browser.close()


class Visit:
    """An open page, and everything that it said or asked for."""

    def __init__(self, page: Page, file: Path):
        self.page, self.said, self.asked = page, [], []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())

    def unfold(self) -> "Visit":
        """Open everything that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        return self

    def count(self, selector: str) -> int:
        """How many elements a selector finds that can be seen."""
        return self.page.locator(f"{selector}:visible").count()

    def column(self, table: str, name: str) -> list[str]:
        """The texts of a column in the rows that can be seen, from top to bottom."""
        return self.page.evaluate(
            """([id, name]) => {
              const table = document.getElementById(id);
              const index = [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.name === name);
              const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
              return rows.map((row) => row.cells[index].innerText.trim());
            }""",
            [table, name],
        )


@pytest.fixture
def visit(chromium, page_file):
    """Opens the page; keywords are those of a browser context: viewport, color_scheme, java_script_enabled, ..."""
    contexts = []

    def opened(**options) -> Visit:
        contexts.append(chromium.new_context(**options))
        return Visit(contexts[-1].new_page(), page_file)

    yield opened
    for context in contexts:
        context.close()
