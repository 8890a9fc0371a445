"""What a workflow may say of deadlines and of what is missed, and the proofs about passing on (W3, W4)."""

import datetime as dt
import json

import pytest
from jsonschema import Draft202012Validator

from workflow.definition import load_definition, workflow_schema
from workflow.errors import DefinitionError
from workflow.lifecycle import Stage, compile_lifecycle
from workflow.terms import Deadline, Term
from workflow.verify import Fault, verify
from workflow.vocabulary import CountedFrom, DayKind, PassTo

SCORING = 'holder = "assessor"\ndays = 5\nmissed = "escalate" '
SIGNOFF = 'days = 5\ncounted-from = "proven-notice"\n'


def stage(text: str, id_: str, old: str, new: str) -> Stage:
    assert text.count(old) == 1
    return compile_lifecycle(load_definition(text.replace(old, new), where="planted.toml")).stage(id_)


def faults(text: str) -> list[Fault]:
    return list(verify(load_definition(text, where="planted.toml")))


def only(text: str) -> Fault:
    found = faults(text)
    assert len(found) == 1, [str(fault) for fault in found]
    return found[0]


def scoring(text: str, rest: str) -> str:
    assert text.count(SCORING) == 1
    return text.replace(SCORING, f'holder = "assessor"\n{rest}\n#')


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("days = 5", Deadline(Term(days=5))),
        ('days = 5\nday-kind = "calendar"', Deadline(Term(days=5, day_kind=DayKind.CALENDAR))),
        ('days = 5\ncounted-from = "period-end"', Deadline(Term(days=5, counted_from=CountedFrom.PERIOD_END))),
        ("on = 2026-04-30\nat = 12:00:00", Deadline(Term(on=dt.date(2026, 4, 30), at=dt.time(12)))),
        (
            "days = 5\nor-later = { on = 2026-04-30 }",
            Deadline(Term(days=5), Term(on=dt.date(2026, 4, 30)), later=True),
        ),
        (
            'days = 5\nor-earlier = { days = 10, counted-from = "cycle-opening" }',
            Deadline(Term(days=5), Term(days=10, counted_from=CountedFrom.CYCLE_OPENING), later=False),
        ),
    ],
)
def test_a_deadline_is_what_the_file_says(text: str, said: str, meant: Deadline) -> None:
    assert compile_lifecycle(load_definition(scoring(text, said), where="w")).stage("scoring").deadline == meant


@pytest.mark.parametrize(
    ("said", "key", "problem"),
    [
        ("days = 5\non = 2026-04-30", "on", "two first terms"),
        ("days = 5\nor-later = { days = 3 }\nor-earlier = { days = 9 }", "or-earlier", "exclude each other"),
        ("or-later = { days = 3 }", "or-later", "needs a first one"),
        ("days = 5\nor-later = { }", "or-later", "either days after an event or a day"),
        ("days = 5\nor-later = { days = 3, on = 2026-04-30 }", "or-later", "either days after an event or a day"),
        ('days = 5\nor-later = { days = 3, counted-from = "proven-notice" }', "or-later.counted-from", "first term"),
        ("at = 12:00:00", "at", "a time of day needs a day"),
        ("on = 2026-02-30", "file", "not TOML"),
        ('on = "soon"', "on", "date"),
        ('days = 5\ncounted-from = "dinner"', "counted-from", "dinner"),
        ('on = 2026-04-30\ncounted-from = "proven-notice"', "counted-from", "not counted from anything"),
        ('days = 5\npass-to = ["hr"]', "pass-to", "passes nothing on"),
        ('days = 5\nmissed = "escalate"\npass-to = ["hr", "next-in-line"]', "pass-to", "goes no further"),
        ('days = 5\nmissed = "escalate"\npass-to = ["moon"]', "pass-to[1]", "moon"),
        ('days = 5\nmissed = "delegate"', "substitute", "names nobody"),
        ('days = 5\nmissed = "escalate"\npass-to = ["substitute"]', "pass-to", "names nobody"),
        ('days = 5\nmissed = "delegate"\nsubstitute = "pope"', "substitute", "no position 'pope'"),
        ('days = 5\nmissed = "escalate"\nsubstitute = "secretary"', "substitute", "nothing passes the part"),
        ('missed = "escalate"', "days", "needs days to be missed"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(text: str, said: str, key: str, problem: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load_definition(scoring(text, said), where="w.toml")
    where = "file" if key == "file" else f"stages[2] (scoring).{key}"
    assert [one.text for one in error.value.problems if one.where == where and problem in one.text], (
        error.value.problems
    )


def test_the_window_of_an_answer_cannot_begin_before_the_notice(text: str) -> None:
    planted = text.replace(SIGNOFF, SIGNOFF + "or-earlier = { days = 9 }\n")
    with pytest.raises(DefinitionError, match="begins with proven notice"):
        load_definition(planted, where="w")


@pytest.mark.parametrize(
    ("said", "steps"),
    [
        ('days = 5\nmissed = "escalate"', (PassTo.NEXT_IN_LINE,)),
        (
            'days = 5\nmissed = "escalate"\npass-to = ["next-in-line", "unit-head", "hr"]',
            (PassTo.NEXT_IN_LINE, PassTo.UNIT_HEAD, PassTo.HR),
        ),
        (
            'days = 5\nmissed = "delegate"\nsubstitute = "secretary"\npass-to = ["hr"]',
            (PassTo.SUBSTITUTE, PassTo.HR),
        ),
        ("days = 5", ()),
    ],
)
def test_the_steps_of_a_missed_part(text: str, said: str, steps: tuple[PassTo, ...]) -> None:
    planted = scoring(text, said)
    assert compile_lifecycle(load_definition(planted, where="w")).stage("scoring").pass_to == steps
    assert faults(planted) == []


def test_a_part_is_not_passed_on_without_a_move(text: str) -> None:
    planted = text.replace(
        'action = "pass-on"\nfrom = "review"\nto = "review"', 'action = "wait"\nfrom = "appeal"\nto = "appeal"'
    )
    fault = only(planted)
    assert fault.code == "missed-without-move"
    assert "'review'" in fault.text


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (
            'who = "system"\nguards = ["days-over"]',
            'who = ["system", "reviewer"]\nguards = ["days-over"]',
            "picked-judge",
        ),
        ('who = "system"\nguards = ["days-over"]', 'who = "system"', "passed-too-early"),
        (
            'from = "review"\nto = "review"\nwho = "system"',
            'from = "review"\nto = "appeal"\nwho = "system"',
            "passed-astray",
        ),
        ('effects = ["hand-on"]\n', 'effects = ["hand-on", "score"]\n', "score-from-silence"),
    ],
)
def test_passing_on_takes_nothing_too_early_and_makes_no_score(text: str, old: str, new: str, code: str) -> None:
    at = text.rindex('[[moves]]\naction = "pass-on"')
    planted = text[:at] + text[at:].replace(old, new, 1)
    assert planted != text
    assert code in {fault.code for fault in faults(planted)}


def test_the_part_of_the_person_is_passed_to_nobody(text: str) -> None:
    at = text.rindex('[[moves]]\naction = "pass-on"')
    planted = text[:at] + text[at:].replace('from = "review"\nto = "review"', 'from = "signoff"\nto = "signoff"', 1)
    assert {"passed-astray", "missed-without-move"} <= {fault.code for fault in faults(planted)}


def test_a_substitute_who_has_a_part_already_is_nobody(text: str) -> None:
    planted = scoring(text, 'days = 5\nmissed = "delegate"\nsubstitute = "director"')
    assert {fault.code for fault in faults(planted)} == {"nobody-to-pass-to"}
    assert faults(planted)[0].path == ("roles.groups[1]", "reviewer = director")
    with_a_way_on = planted.replace('substitute = "director"', 'substitute = "director"\npass-to = ["hr"]')
    assert faults(with_a_way_on) == []


def test_the_schema_knows_every_form(text: str) -> None:
    said = 'days = 5\nor-later = { on = 2026-04-30, at = 12:00:00 }\nmissed = "escalate"\npass-to = ["unit-head", "hr"]'
    definition = load_definition(scoring(text, said), where="w")
    content = json.loads(definition.model_dump_json(by_alias=True, exclude_unset=True))
    validator = Draft202012Validator(workflow_schema())
    assert list(validator.iter_errors(content)) == []
    content["stages"][1]["pass-to"] = ["moon"]
    assert list(validator.iter_errors(content)) != []
