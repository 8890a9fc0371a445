"""The same mail as HTML: made from the text's own template, every value escaped, nothing loaded from anywhere (G17)."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

_LINK = "$link"
_LINES = "$lines"
_PAGE = Template(
    '<!DOCTYPE html>\n<html lang="$language">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>$title</title>\n</head>\n'
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 42em; margin: 0 auto; padding: 1em">\n'
    "$content\n</body>\n</html>\n"
)
_HREF = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list, with its link where it has one, under a heading where it has one."""

    text: str
    link: str | None = None
    heading: str | None = None


def html_of(body: Template, values: Mapping[str, str], lines: Sequence[Line] = (), *, language: str, title: str) -> str:
    """Return a page with the paragraphs of a text; a paragraph `$lines` is a list, and a link can be followed.

    A value is text wherever it stands: it makes no element, no attribute and no paragraph.
    """
    paragraphs = [block.strip("\n") for block in re.split(r"\n{2,}", body.template.strip("\n"))]
    content = "\n".join(_paragraph(block, values, lines) for block in paragraphs)
    return _PAGE.substitute(language=language, title=html.escape(title), content=content)


def text_of_lines(lines: Sequence[Line]) -> str:
    """Return the same list as plain text: headings, a dash before each line, its link below it."""
    written: list[str] = []
    heading = None
    for line in lines:
        if line.heading != heading:
            heading = line.heading
            written.extend([*([""] if written else []), heading or ""])
        written.append(f"- {line.text}")
        if line.link is not None:
            written.append(f"  {line.link}")
    return "\n".join(written)


def _paragraph(block: str, values: Mapping[str, str], lines: Sequence[Line]) -> str:
    if block == _LINES:
        return _list(lines)
    escaped = {name: html.escape(value).replace("\n", "<br>\n") for name, value in values.items()}
    if "link" in values:
        escaped["link"] = _anchor(values["link"], values["link"])
    text = Template(html.escape(block, quote=False).replace("\n", "<br>\n")).substitute(escaped)
    return f"<p>{text}</p>"


def _list(lines: Sequence[Line]) -> str:
    written: list[str] = []
    heading: str | None = None
    for place, line in enumerate(lines):
        if place == 0 or line.heading != heading:
            written.append("</ul>" * bool(place))
            heading = line.heading
            if heading is not None:
                written.append(f'<h2 style="font-size: 1.1em">{html.escape(heading)}</h2>')
            written.append("<ul>")
        text = html.escape(line.text)
        written.append(f"<li>{_anchor(line.link, line.text) if line.link is not None else text}</li>")
    written.append("</ul>" * bool(lines))
    return "\n".join(part for part in written if part)


def _anchor(address: str, text: str) -> str:
    """Return a link, or plain text where the address is none that a link may lead to."""
    if not _HREF.fullmatch(address):
        return html.escape(text)
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'
