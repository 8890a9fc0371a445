import re

import pytest

from catalog.shelf import mail_text
from services.errors import Malformed
from services.mail_texts import FIELDS, LANGUAGES, LINE_FIELDS, load_mail_texts, read_mail_text, shipped_mail_texts
from services.messages import KINDS

VALUES = {field: f"<{field}>" for fields in (*FIELDS.values(), *LINE_FIELDS.values()) for field in fields}
JUDGEMENT = re.compile(r"score|total|grade|points|得分|总分|等次|\d+分", re.IGNORECASE)


def text(subject: str = "S", body: str = "B") -> str:
    """A file of mail texts."""
    words = f'subject = "{subject}"\nbody = "{body}"\n'
    return f"format = 1\n[en]\n{words}\n[zh]\n{words}"


def test_every_kind_of_message_has_a_text_in_both_languages_that_names_its_link() -> None:
    texts = shipped_mail_texts()

    assert set(texts) == {(kind, language) for kind in KINDS for language in LANGUAGES}
    assert set(FIELDS) == {*KINDS, "test"}
    assert set(LINE_FIELDS) <= set(KINDS)
    for (kind, language), words in texts.items():
        subject, body = words.fill({field: VALUES[field] for field in FIELDS[kind]})
        if kind in LINE_FIELDS:
            assert "$" not in words.fill_line({field: VALUES[field] for field in LINE_FIELDS[kind]})
        assert "\n" not in subject, (kind, language)
        assert "<link>" in body, (kind, language)
        assert "<recipient>" in body, (kind, language)
        assert "$" not in subject + body, (kind, language)


def test_no_text_and_no_field_speaks_of_a_judgement() -> None:
    assert not {"total", "score", "grade"} & set(VALUES)
    for (kind, language), words in shipped_mail_texts().items():
        said = words.subject.template + words.body.template + (words.line.template if words.line else "")
        # "before you score" asks the assessor to read a reply first; it tells nothing.
        assert not JUDGEMENT.search(said.replace("before you score", "")), (kind, language)


def test_a_value_is_filled_in_as_it_is_and_never_read_again() -> None:
    words = read_mail_text("returned", text(body="$person"), where="t")["en"]

    assert words.fill({"person": "$link ${code} %(x)s {0}"}) == ("S", "$link ${code} %(x)s {0}")


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r"])
def test_a_line_break_in_a_value_of_the_subject_is_refused(breaks: str) -> None:
    words = read_mail_text("returned", text(subject="$person"), where="t")["en"]

    with pytest.raises(Malformed, match="would have a line break"):
        words.fill({"person": f"a{breaks}Bcc: b"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (text(body="$total"), r"t\.toml: en\.body: there is no field \$total; there are actions, code, cycle"),
        (text(subject="$days"), r"t\.toml: en\.subject: there is no field \$days"),
        (text(body="5 $ a day"), r"t\.toml: en\.body: a \$ stands alone; write \$\$"),
        (text(body="${person.name}"), r"t\.toml: en\.body: a \$ stands alone"),
        ("format = 1\n[en]\nsubject = 'S'\nbody = 'B'\n", r"t\.toml: zh: Field required"),
        (text() + "footer = 'F'\n", r"t\.toml: zh\.footer: Extra inputs are not permitted"),
        (text().replace("format = 1", "format = 2"), r"t\.toml: format: "),
        ("format = ", r"t\.toml is not TOML: "),
    ],
)
def test_a_wrong_text_is_refused_when_it_is_read(content: str, says: str) -> None:
    with pytest.raises(Malformed, match=says) as refused:
        read_mail_text("returned", content, where="t.toml")

    assert refused.value.exit_code == 2


def test_a_missing_text_is_named() -> None:
    def without_overdue(kind: str) -> str:
        return mail_text("no-such-kind" if kind == "overdue" else kind)

    with pytest.raises(Malformed, match="There is no text for mails of the kind overdue"):
        load_mail_texts(without_overdue)
