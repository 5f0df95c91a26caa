"""The page in headless Chromium."""

import csv
import re
import subprocess
from itertools import pairwise

import pytest
from made_page import HOSTILE, HOSTILE_NAME
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 375, "height": 740}, "is_mobile": True, "has_touch": True}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE, {"java_script_enabled": False}])
def test_the_page_opens_without_a_word_and_asks_for_nothing(visit, page_file, options):
    opened = visit(**options)
    assert opened.page.title().startswith("What Small <b>& bold</b> {braces} learnt from")
    assert opened.said == []
    assert [address for address in opened.asked if not address.startswith("data:")] == [page_file.as_uri()]


def test_every_figure_is_drawn(visit):
    widths = visit().page.evaluate("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) == 8 + 2
    assert min(widths) > 0


def test_hostile_replies_do_nothing(visit):
    opened = visit().unfold()
    for cell in opened.page.locator("#replies-table td.reply", has_text="caught").all():
        cell.hover()
        cell.click()
    assert opened.page.evaluate("window.caught") is None
    assert opened.page.locator("main img:not([src^=data])").count() == 0
    assert opened.page.locator("iframe").count() == 0
    assert opened.said == []


def test_studies_are_opened_and_filtered(visit):
    opened = visit()
    opened.page.locator("nav a", has_text="Studies").click()
    part = opened.page.locator("#study-labels")
    assert part.locator(".note").inner_text().startswith("Out of date")
    assert not part.locator("table").is_visible()
    part.locator("summary").first.click()
    (table,) = part.locator("table").evaluate_all("tables => tables.map((table) => table.id)")
    assert opened.column(table, "labels") == ["letters", "letters", HOSTILE_NAME, HOSTILE_NAME]
    part.locator('select[name="labels"]').select_option(HOSTILE_NAME)
    assert opened.column(table, "labels") == [HOSTILE_NAME, HOSTILE_NAME]
    unmade = opened.page.locator("#studies > details")
    assert not unmade.locator("ul").is_visible()
    unmade.locator("summary").click()
    assert "snakemake learning_curve" in unmade.locator("ul").inner_text()
    assert opened.page.evaluate("window.caught") is None and opened.said == []


def test_no_inline_script_or_handler_would_run(visit):
    opened = visit()
    opened.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.caught = true";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.caught = true'>");
        }"""
    )
    assert opened.page.evaluate("window.caught") is None


def test_replies_stand_as_they_were_given(visit):
    shown = (
        visit().page.locator("#replies-table td.reply").evaluate_all("cells => cells.map((cell) => cell.textContent)")
    )
    for reply in HOSTILE:
        assert (f"{reply[:4000]} …" if len(reply) > 4000 else reply or "empty") in shown


def test_a_reply_runs_in_its_own_direction(visit):
    cells = visit().page.locator("#replies-table td.reply", has_text="אני")
    assert cells.first.evaluate("cell => getComputedStyle(cell).direction") == "rtl"


def test_a_click_sorts_numbers_up_then_down_with_dashes_last(visit):
    opened = visit().unfold()
    heading = opened.page.locator("#cells-table th[data-name=exact]")
    for direction, reverse in (("ascending", False), ("descending", True)):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == direction
        texts = opened.column("cells-table", "exact")
        numbers = [float(text.replace("−", "-")) for text in texts if text != "–"]
        assert numbers == sorted(numbers, reverse=reverse)
        assert texts[len(numbers) :] == ["–"] * (len(texts) - len(numbers)) != []


def test_the_keyboard_sorts_words_and_leaves_one_arrow(visit):
    opened = visit().unfold()
    opened.page.locator("#cells-table th[data-name=exact]").get_by_role("button").click()
    heading = opened.page.locator("#cells-table th[data-name=context]")
    heading.get_by_role("button").focus()
    opened.page.keyboard.press("Enter")
    texts = opened.column("cells-table", "context")
    assert texts == sorted(texts)
    opened.page.keyboard.press("Space")
    assert opened.column("cells-table", "context") == sorted(texts, reverse=True)
    assert opened.page.locator("#cells-table th[aria-sort]").count() == 1


def test_replies_are_filtered_by_cell_and_result(visit):
    opened = visit().unfold()
    form = opened.page.locator("form[data-for=replies-table]")
    whole = len(opened.column("replies-table", "game"))
    form.get_by_label("Split").select_option("In sample")
    form.get_by_label("Model").select_option("base")
    form.get_by_label("Game").select_option("Stag hunt")
    form.get_by_label("Context").select_option("Business")
    assert set(opened.column("replies-table", "game")) == {"Stag hunt"}
    assert set(opened.column("replies-table", "context")) == {"Business"}
    form.get_by_label("Result").select_option("off format")
    assert set(opened.column("replies-table", "result")) == {"off format"}
    rows = len(opened.column("replies-table", "raw"))
    assert rows == sum(letter is None and text != "" for text, letter in HOSTILE.items())
    assert form.locator("output").inner_text() == f"{rows} of {whole} rows"
    form.get_by_role("button", name="Reset").click()
    expect(form.locator("output")).to_have_text(f"{whole} rows")


def test_a_search_finds_words_in_replies(visit):
    opened = visit().unfold()
    opened.page.locator("form[data-for=replies-table]").get_by_label("Search").fill("LINE THREE")
    assert opened.column("replies-table", "raw") == ["line one\n\n  line three"] * 2


def test_cells_are_filtered_by_order(visit):
    opened = visit().unfold()
    opened.page.locator("form[data-for=cells-table]").get_by_label("Order").select_option("Both, mean")
    assert set(opened.column("cells-table", "order")) == {"Both, mean"}
    assert "teacher" not in opened.column("cells-table", "model")


def test_a_reason_leads_to_its_replies(visit):
    opened = visit()
    opened.page.locator("#unreadable a", has_text="empty").click()
    expect(opened.page.locator("form[data-for=replies-table] output")).to_contain_text(" of ")
    assert set(opened.column("replies-table", "result")) == {"empty"}


def test_a_table_is_saved_as_csv_as_it_is_shown(visit, tmp_path):
    opened = visit(accept_downloads=True).unfold()
    form = opened.page.locator("form[data-for=replies-table]")
    form.get_by_label("Result").select_option("off format")
    with opened.page.expect_download() as download:
        form.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "replies.csv")
    with (tmp_path / "replies.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[0][-1] == "Reply"
    assert len(rows) - 1 == len(opened.column("replies-table", "raw"))
    assert any(row[-1] == "line one\n\n  line three" for row in rows)


def test_a_phone_scrolls_tables_and_not_the_page(visit):
    opened = visit(**PHONE)
    opened.unfold()
    whole, seen = opened.page.evaluate(WIDTHS)
    assert whole == seen == 375
    inside = opened.page.locator(".scroll", has=opened.page.locator("#cells-table"))
    assert inside.evaluate("area => area.scrollWidth > area.clientWidth")


def test_a_figure_is_as_large_as_its_text_needs(visit):
    width = "images => images.map((image) => image.clientWidth)"
    wide, phone = visit().unfold(), visit(**PHONE).unfold()
    assert set(wide.page.locator(".drawn img").evaluate_all(width)) == {932, 454}
    box = phone.page.locator(".drawn").first
    # As in print, 518 points wide; the box scrolls.
    assert box.locator("img").evaluate("image => image.clientWidth") == pytest.approx(518 * 4 / 3, abs=1)
    assert box.evaluate("area => area.scrollWidth > area.clientWidth")
    # In words and as a shadow it says that there is more, unless all of it is there.
    cut = "areas => areas.map((area) => area.scrollWidth > area.clientWidth)"
    told = "areas => areas.map((area) => area.previousElementSibling?.className === 'swipe')"
    boxes = phone.page.locator(".drawn")
    assert boxes.evaluate_all(cut) == boxes.evaluate_all(told)
    assert phone.count("figure .swipe") == sum(boxes.evaluate_all(cut)) == 7 + 2
    tables = phone.page.locator(".across")
    assert True in tables.evaluate_all(cut) and tables.evaluate_all(cut) == tables.evaluate_all(told)
    assert "linear-gradient" in box.evaluate("area => getComputedStyle(area).backgroundImage")
    assert wide.count(".swipe") == 0


def test_without_scripts_tables_stay_and_filters_are_absent(visit):
    opened = visit(java_script_enabled=False)
    assert not opened.page.locator("#cells-table").is_visible()
    opened.page.locator("summary", has_text="Every cell").click()
    assert opened.page.locator("#cells-table tbody tr").first.is_visible()
    assert opened.count("form.filters") == 0
    assert opened.count("th button") == 0


def test_a_dark_scheme_is_dark_and_readable(visit):
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    for scheme in ("light", "dark"):
        opened = visit(color_scheme=scheme)
        background, ink = opened.page.evaluate(colours)
        assert (luminance(background) < luminance(ink)) == (scheme == "dark")
        for selector in (".verdict", "figcaption", "nav a", ".where", "th button"):
            colour = opened.page.locator(selector).first.evaluate("element => getComputedStyle(element).color")
            assert contrast(colour, background) >= 4.5, (scheme, selector)


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_headings_go_down_one_level_at_a_time(visit):
    levels = visit().page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_print_hides_filters_and_cuts_no_table(visit):
    opened = visit(viewport={"width": 700, "height": 900})
    opened.page.emulate_media(media="print")
    assert opened.count("form.filters") == opened.count("nav") == 0
    areas = opened.page.locator(".scroll")
    assert set(areas.evaluate_all("areas => areas.map((area) => getComputedStyle(area).overflow)")) == {"visible"}


def test_the_printed_file_holds_every_shown_row(visit, tmp_path):
    opened = visit().unfold()
    form = opened.page.locator("form[data-for=replies-table]")
    form.get_by_label("Model").select_option("base")
    file = tmp_path / "page.pdf"
    opened.page.pdf(path=str(file), prefer_css_page_size=True)
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    assert "<script>window.caught = true</script>" in text
    assert len(re.findall(r"^\s*(?:In sample|Our own) .*Both, mean", text, re.MULTILINE)) == 2 * 4 * 3
    replies = text[text.index("Not all of them are shown") : text.index("\nUnreadable replies")]
    assert "tuned-seed1" not in replies
    heads = re.findall(r"^\s*Split +Game +Context +Model +Order +Exact\b", text, re.MULTILINE)
    assert len(heads) > 1  # again on each sheet
    # Whole words, beside a reply of thousands of characters too.
    assert len(re.findall(r"\bbase\b", replies)) == opened.page.locator("#replies-table tbody tr:visible").count()
