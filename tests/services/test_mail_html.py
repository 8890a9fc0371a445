import html
import re
from html.parser import HTMLParser
from string import Template

from services.mail_html import Line, html_of, text_of_lines
from services.mail_texts import FIELDS, LINE_FIELDS, shipped_mail_texts

HOSTILE = "\"><script>alert(1)</script><img src=http://evil.example/x onerror='a()'>\n\n$link & <b>"
LINK = "https://appraise.bank.example/work"


class Seen(HTMLParser):
    """What a reader's program would find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_no_value_makes_an_element_an_attribute_or_a_link_in_any_mail() -> None:
    for (kind, language), words in shipped_mail_texts().items():
        values = dict.fromkeys(FIELDS[kind], HOSTILE)
        values["link"] = LINK
        lines = (
            [Line(HOSTILE, LINK, "A"), Line(HOSTILE, HOSTILE, "B"), Line(HOSTILE)] if "lines" in FIELDS[kind] else []
        )
        page = html_of(words.body, values, lines, language=language, title=HOSTILE)
        seen = Seen(page)

        assert seen.open == [], (kind, language)
        assert seen.tags <= {"html", "head", "meta", "title", "body", "p", "br", "a", "h2", "ul", "li"}, (
            kind,
            language,
        )
        assert {value for name, value in seen.attributes if name in {"href", "src"}} == {LINK}, (kind, language)
        assert {name for name, _ in seen.attributes} <= {"href", "style", "lang", "charset", "name", "content"}
        assert "url(" not in page
        assert f'<html lang="{language}">' in page


def test_the_page_says_what_the_text_says() -> None:
    for (kind, language), words in shipped_mail_texts().items():
        values = {field: f"[{field}]" for field in FIELDS[kind]} | {"link": LINK}
        lines = (
            [Line(words.fill_line({field: f"[{field}]" for field in LINE_FIELDS[kind]}))]
            if ("lines" in FIELDS[kind] and kind in LINE_FIELDS)
            else []
        )
        _, text = words.fill({**values, "lines": text_of_lines(lines)})
        seen = Seen(html_of(words.body, values, lines, language=language, title="T"))

        plain = re.sub(r"\s+|- ", "", text)
        assert re.sub(r"\s+|- ", "", seen.text.removeprefix("\n").replace("T", "", 1)) == plain, (kind, language)


def test_a_value_of_several_lines_keeps_its_lines() -> None:
    page = html_of(Template("Happened: $what\n\n$link"), {"what": "a\nb", "link": LINK}, language="en", title="T")

    assert "<p>Happened: a<br>\nb</p>" in page
    assert f'<p><a href="{html.escape(LINK)}">{LINK}</a></p>' in page


def test_a_list_has_its_headings_once_and_its_links_below_their_lines() -> None:
    lines = [Line("one", LINK, "Late"), Line("two", LINK, "Late"), Line("three", None, "New")]

    assert text_of_lines(lines) == f"Late\n- one\n  {LINK}\n- two\n  {LINK}\n\nNew\n- three"
