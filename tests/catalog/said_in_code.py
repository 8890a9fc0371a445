"""Finds what the code says to people: every sentence of its modules, and whatever an error is raised with.

A sentence is a text of three words or more that ends as sentences do; a docstring, a statement of SQL and the help of a
command are none. What an f-string fills in is a hole, named after what stands there.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflow", "scoring", "services", "models", "config", "web", "tasks", "cli")
ELSEWHERE = {
    "cli/commands.py": "the help of commands",
    "cli/demo.py": "the demonstration tells its story in English",
    "cli/play.py": "as above",
    "cli/play_judgement.py": "as above",
    "cli/play_running.py": "as above",
    "cli/play_week.py": "as above",
    "cli/theatre.py": "as above",
    "config/openid_settings.py": "the reference of settings",
    "config/settings.py": "the reference of settings",
    "models/columns.py": "faults of the program, which go into the log",
    "scoring/phrases.py": "explanations, in both languages where they stand",
    "scoring/toml_writing.py": "faults of the program, which go into the log",
    "services/letter_words.py": "the letter to staff, in both languages where it stands",
    "services/mail_words.py": "mails, in both languages where they stand",
    "services/opening_facts.py": "mails, in both languages where they stand",
    "services/organisation_columns.py": "the template, in both languages where it stands",
    "web/api/files.py": "the reference of the API",
    "web/api/shapes.py": "the reference of the API, and refusals below",
    "web/api_description.py": "the reference of the API",
    "web/readers.py": "a text of the pages, in their catalogue",
    "workflow/diagram.py": "a page of the reference",
}
"""Modules whose sentences no catalogue has, and why; what they raise is asked for all the same."""

_NOT_SAID = {"Argument", "Field", "Header", "N_", "Option", "Path", "Query", "Typer", "command", "text"}
_HOLE = re.compile(r"\{\w*\}")


def skeleton(template: str) -> str:
    """Return a template whose holes have no names: how it is compared with those of the catalogue."""
    return _HOLE.sub("{}", template)


def is_sentence(template: str) -> bool:
    """Tell whether a text is one that people read."""
    said = skeleton(template).strip()
    return (
        len(said.split()) > 2
        and re.search("[a-z]", said) is not None
        and said[-1] in ".?!:"
        and re.match(r"(SELECT|INSERT|UPDATE|DELETE|CREATE|WITH)\b", said) is None
        and re.search("[\u3000-\u9fff]", said) is None
    )


def of_packages() -> dict[str, str]:
    """Return every sentence that needs its Chinese, with the module where it stands first."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            if "migrations" not in path.parts:
                for template in of_module(ast.parse(path.read_text(encoding="utf-8")), raised=where in ELSEWHERE):
                    found.setdefault(template, where)
    return found


def of_module(tree: ast.Module, *, raised: bool = False) -> Iterator[str]:
    """Yield the sentences of a module; with `raised` only what errors are made with, which need not be whole ones."""
    if not raised:
        described = {
            id(first.value)
            for node in ast.walk(tree)
            if isinstance(body := getattr(node, "body", None), list)
            for first in body
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        }
        yield from _of_node(tree, frozenset(described))
    for node in ast.walk(tree):
        call = node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Return) else None
        if isinstance(call, ast.Call) and _called(call)[:1].isupper() and (raised or isinstance(node, ast.Raise)):
            yield from _of_node(call)
            template = template_of(call.args[0], {}) if call.args else None
            if template is not None and re.search("[a-z]{2}.* ", _HOLE.sub("", template)):
                yield template


def _of_node(node: ast.AST, described: frozenset[int] = frozenset()) -> Iterator[str]:
    if id(node) in described or (isinstance(node, ast.Call) and _called(node) in _NOT_SAID):
        return
    template = template_of(node, {})
    if template is not None:
        if is_sentence(template):
            yield template
        filled = [part for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
        for part in filled:
            yield from _of_node(part.value, described)
        return
    for child in ast.iter_child_nodes(node):
        yield from _of_node(child, described)


def template_of(node: ast.AST, named: dict[str, str]) -> str | None:
    """Return a text with its holes, or None for what is no text; `named` is what each hole so far is filled with."""
    if isinstance(node, ast.Constant):
        return (
            _HOLE.sub(lambda hole: _unnamed(named) if hole[0] == "{}" else hole[0], node.value)
            if (isinstance(node.value, str))
            else None
        )
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _hole(part.value, named) if isinstance(part, ast.FormattedValue) else part.value
            for part in node.values
            if isinstance(part, ast.FormattedValue | ast.Constant)
            and isinstance(getattr(part, "value", ""), ast.expr | str)
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = template_of(node.left, named), template_of(node.right, named)
        if left is None and right is None:
            return None
        return (left or _hole(node.left, named)) + (right or _hole(node.right, named))
    return None


def _unnamed(named: dict[str, str]) -> str:
    name = f"part{len(named) + 1}"
    named[name] = name
    return "{" + name + "}"


def _hole(filled: ast.expr, named: dict[str, str]) -> str:
    spelled = ast.unparse(filled)
    words = re.findall(r"[A-Za-z]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", spelled))
    words = [word for word in words if word not in _PASSED_OVER] or ["part"]
    plain = words[-1] if isinstance(filled, ast.Attribute) else words[0]
    name, count = plain.lower(), 2
    while named.setdefault(name, spelled) != spelled:
        name, count = f"{plain.lower()}{count}", count + 1
    return "{" + name + "}"


_PASSED_OVER = {
    "self",
    "if",
    "else",
    "lifecycle",
    "join",
    "to_decimal",
    "isoformat",
    "len",
    "sorted",
    "str",
    "row",
    "standing",
    "error",
    "for",
    "in",
}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
