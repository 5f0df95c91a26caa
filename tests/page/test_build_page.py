"""The page as a whole: what it holds, and what becomes of replies that try to break out of it."""

import re
from html.parser import HTMLParser

import pytest
from made_page import HOSTILE, NAME, VERDICT, build, page_inputs

from tom.config.studies import STUDIES
from tom.core.errors import UserError
from tom.page.figures import figure

NUMBER = re.compile(r'<span class="number" id="(\w+)-(\d+)">(\w+) (\d+)</span>[.]? ?')
"""The number of a figure or a table, and what parts it from a title: (its target's kind and number, as it is told)."""


class Reader(HTMLParser):
    """Collects elements, their attributes, headings and the texts of table cells."""

    def __init__(self):
        super().__init__()
        self.elements, self.cells, self.headings, self.inside = [], [], [], None

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("td", "h1", "h2", "h3"):
            self.inside = self.cells if tag == "td" else self.headings
            self.inside.append("")
        elif tag in ("tr", "th", "button", "script", "style"):
            self.inside = None

    def handle_endtag(self, tag):
        if tag in ("td", "tbody", "h1", "h2", "h3"):
            self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.inside[-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def arguments(folder, root):
    return page_inputs(folder, root)


@pytest.fixture(scope="module")
def text(arguments, folder):
    return build(arguments, folder / "report.html").read_text()


@pytest.fixture(scope="module")
def page(text):
    reader = Reader()
    reader.feed(text)
    return reader


def test_equal_inputs_give_an_equal_page(arguments, tmp_path, text):
    assert build(arguments, tmp_path / "report.html").read_text() == text


def test_nothing_is_fetched(page, text):
    assert {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "video", "audio", "base"} == set()
    loaded = [values[key] for tag, values in page.elements for key in ("src", "href") if key in values]
    assert all(address.startswith(("#", "data:")) for address in loaded)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(", text)


def test_only_the_pages_own_script_is_there(page, text):
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not [values for _, values in page.elements if any(key.startswith("on") for key in values)]
    assert not [values for _, values in page.elements if "autofocus" in values]


def test_every_reply_is_shown_as_it_was_given(page):
    for reply in HOSTILE:
        shown = f"{reply[:4000]} …" if len(reply) > 4000 else reply or "empty"
        assert shown in page.cells, reply


def test_names_are_shown_as_they_are(page):
    assert page.headings[0] == f"What {NAME} learnt from Llama-2-70b-chat"


def test_a_reply_says_which_way_it_is_written(page):
    directions = [values["dir"] for tag, values in page.elements if values.get("class") == "reply"]
    assert directions and set(directions) == {"auto"}


def test_every_figure_has_a_text(page):
    texts = [values["alt"] for tag, values in page.elements if tag == "img"]
    assert len(texts) == 8
    assert all(len(words) > 40 for words in texts)


def test_every_section_is_there_under_its_heading(page):
    sections = [
        "Result",
        "Figures",
        "The paper",
        "Cells",
        "Tables",
        "Replies",
        "Unreadable replies",
        "Provenance",
    ]
    assert [heading for heading in page.headings if heading in sections] == sections


def test_terms_are_explained_before_the_verdict_which_begins_the_result(text):
    body = text[text.index("</h1>") :]
    begins = rf'<h2 id="result-heading">Result</h2>\s*<div class="prose verdict"><ul>\s*<li>{re.escape(VERDICT)}</li>'
    assert re.search(begins, body)
    terms = ("<strong>cell</strong>", "<strong>Gap closed</strong>", "<strong>noise ceiling</strong>")
    places = [body.index(words) for words in ('id="terms"', *terms, 'id="result"', VERDICT, 'id="figures"')]
    assert places == sorted(places)
    assert body.count(VERDICT) == 1


def test_gaps_open_with_the_rows_of_the_headline(text):
    for table in ("table-alignment", "table-alignment-leads"):
        form = text[text.index(f'data-for="{table}"') :].partition("</form>")[0]
        assert re.findall(r"<option selected>([^<]*)<", form) == ["both", "exact"]
        assert "<option>paper's</option>" in form.replace("&#39;", "'")
    assert text.count("<option selected>") == 4


def test_tables_say_what_the_page_explains_and_not_names_of_code(text):
    cells = {cell.strip() for cell in re.findall(r"<td>([^<]*)", text)}
    assert not cells & {"fixed", "swapped", "pooled", "noise_ceiling", "paper_tuned", "Fixed", "Swapped"}
    assert {"noise ceiling", "tuned student", "nearest cell", "base + offset", "both", "paper's"} <= {
        cell.replace("&#39;", "'") for cell in cells
    }


def test_details_are_folded_and_the_result_is_not(text):
    text = NUMBER.sub("", text)
    open_parts = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    for words in (VERDICT, "<h3>Distances from the teacher</h3>", "Read closed instead", "<h3>Gap closed</h3>"):
        assert open_parts.count(words) == 1, words
    assert "<h3>Option order</h3>" in open_parts and "<h3>Propensities: In sample</h3>" in open_parts
    for words in ("what is listed first decides", "Training loss", "<h3>Every cell</h3>", "<h3>Replies by cell</h3>"):
        assert words in text and words not in open_parts, words


def test_figures_and_tables_are_numbered_as_they_stand(text):
    found = NUMBER.findall(text)
    for kind, elements in (("Figure", r"<img "), ("Table", r"<table\b")):
        numbers = [(target, int(one), int(other)) for target, one, told, other in found if told == kind]
        assert numbers == [(kind.lower(), number, number) for number in range(1, len(numbers) + 1)]
        assert len(numbers) == len(re.findall(elements, text)) > 5


def test_studies_that_were_not_made_are_folded_into_one_line(text):
    folded = text[text.index("<h3>Not made</h3>") :].partition("</details>")[0]
    assert f"{len(STUDIES)} studies" in folded
    assert folded.count("<li>") == len(STUDIES)


def test_a_caption_stands_once_and_none_is_empty(text):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    assert len(captions) == len(set(captions)) == 5 and all(captions)


def test_a_caption_beside_a_figure_stands_below_it_on_the_page(tmp_path):
    drawn = tmp_path / "agreement.svg"
    drawn.write_text('<svg width="10pt"/>')
    assert figure(drawn, "Agreement", "Marks.", "How to read it.").note == ""
    drawn.with_suffix(".txt").write_text("n = 300 replies per cell (teacher).\n")
    assert figure(drawn, "Agreement", "Marks.", "How to read it.").note == "n = 300 replies per cell (teacher)."


def test_a_figure_wider_than_a_phone_says_so(text):
    figures = text.split("<figure>")[1:]
    assert [('class="swipe"' in figure) == ('width="932"' in figure) for figure in figures] == [True] * 8
    assert sum('class="swipe"' in figure for figure in figures) == 7


def test_no_backtick_of_markdown_is_left(text):
    quoted = r"<(script|style|pre|td)\b.*?(?=</\1>|<td|<tr|</tbody>)"
    assert "`" not in re.sub(quoted, "", text, flags=re.DOTALL)
    assert "<code>compared_experiments</code>" in text


def test_unreadable_replies_are_counted_by_reason(text):
    assert "10 of 9,600 replies could not be read" in text
    assert "off format" in text


def test_a_recorded_teacher_is_said_to_have_no_texts(text):
    assert "2,400 of them are recorded counts, without texts" in text
    assert "no text recorded" in text


def test_provenance_names_hashes_and_times(text):
    for digest in "1234":
        assert digest * 64 in text
    assert "61" in text and "none: the project is in no git repository" in text
    assert "Energy was not measured" in text


def test_no_machine_path_is_shown_but_those_that_were_given(text, arguments, folder, root):
    """Wherever the checkout and the temporary folder lie: in one another, or both in /tmp."""
    given = {str(argument) for argument in arguments} | {str(folder / "results/benchmarks")}
    shown = set(re.findall(r"(?:(?<=file://)|(?<![\w.<:/~]))/(?:[\w.-]+/)+[\w.-]+", text))
    assert shown and shown <= given
    for path in sorted(given, key=len, reverse=True):
        text = text.replace(path, "")
    assert str(root) not in text and str(folder) not in text


@pytest.mark.parametrize("flag", ["--summary", "--columns", "--manifests", "--texts", "--template", "--captions"])
def test_a_missing_input_is_named(arguments, tmp_path, flag):
    changed = list(arguments)
    changed[changed.index(flag) + 1] = tmp_path / "absent"
    with pytest.raises(UserError, match="absent"):
        build(changed, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
