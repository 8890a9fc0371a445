"""A definition that is wrong is refused with every problem, its key and its mend."""

import json

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from workflow.definition import Definition, load_definition, workflow_schema
from workflow.errors import DefinitionError
from workflow.lifecycle import compile_lifecycle

WRONG: list[tuple[str, str, str, str, str]] = [
    ("format = 1", "format = 2", "format", "it is 2", "This program reads format = 1"),
    ("returns = 3", "return = 3", "limits.return", "not permitted", "Remove it, or correct its spelling."),
    ("returns = 3", "return = 3", "limits.returns", "field required", "Add it."),
    ("returns = 3", 'returns = "3"', "limits.returns", "it is '3'", "Write a whole number without quotes."),
    ("returns = 3", "returns = -1", "limits.returns", "it is -1", "Choose a larger number."),
    ('to = "appeal"', 'to = "apeal"', "moves[16] (object).to", "there is no stage 'apeal'", "Choose one of: appeal,"),
    ('guards = ["returns-left"]', 'guards = ["luck"]', "moves[6] (return).guards", "no guard 'luck'", "all-contested"),
    ('effects = ["contest"]', 'effects = ["wish"]', "moves[16] (object).effects[1]", "it is 'wish'", "'statement'"),
    ('who = "decider"', 'who = "boss"', "moves[23] (decide).who[1]", "it is 'boss'", "'decider'"),
    ('action = "submit"', 'action = "Submit!"', "moves[5] (Submit!).action", "it is 'Submit!'", "small letters"),
    ('outcome = "accepted"\n', "", "moves[15] (accept).outcome", "needs an outcome", "Add outcome."),
    ('effects = ["contest"]', 'outcome = "decided"', "moves[16] (object).outcome", "no ending", "Remove outcome."),
    ('from = "appeal"', 'from = "closed"', "moves[22] (withdraw).from", "nothing leaves the ending", "Remove that"),
    ('id = "draft"', 'id = "start"', "stages[1].id", "the first stage is 'start'", "Name it 'draft'."),
    ('id = "review"', 'id = "scoring"', "stages", "'scoring' is there 2 times", "Give each its own id."),
    ("end = true", "end = false", "stages[6] (closed).end", "must be an ending", "Write end = true."),
    ("end = true", 'end = "yes"', "stages[6] (closed).end", "it is 'yes'", "Write true or false without quotes."),
    ("end = true", "end = true\ndays = 2", "stages[6] (closed)", "neither a holder nor days", "Remove them."),
    ("days = 3\nmissed", "missed", "stages[1] (draft).days", "needs days to be missed", "Add days."),
    ("scored by {holder}", "scored by {boss}", "stages[2] (scoring).wording.en", "placeholder {boss}", "Only {holder}"),
    ('judgement-from = "signoff"', 'judgement-from = "x"', "disclosure.judgement-from", "no stage 'x'", "Choose one"),
    (
        'reserve = ["secretary"] ',
        'reserve = ["pope"] ',
        "roles.reserve",
        "there is no position 'pope'",
        "Choose one of",
    ),
    ('assessor = "in-charge"', 'assessor = "aunt"', "roles.groups[1].assessor", "no position 'aunt'", "Choose one of"),
    ('posts = ["director"]', 'posts = ["escort"]', "roles.groups", "'escort' is in 2 groups", "Keep it in one."),
    (
        'director = { post = "director" }',
        'director = { post = "director", column = "manager" }',
        "roles.positions.director",
        "exactly one of column, post and relation",
        "Keep one of them.",
    ),
    (
        'zh = "撤回申诉" }',
        'zh = "" }',
        "moves[22] (withdraw).label.zh",
        "at least 1 character",
        "at least one character",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "said", "mend"), WRONG, ids=[f"{key}: {said}" for _, _, key, said, _ in WRONG]
)
def test_a_fault_is_named_with_its_key_and_its_mend(  # noqa: PLR0917 - one row of the table
    text: str, old: str, new: str, key: str, said: str, mend: str
) -> None:
    assert old in text
    with pytest.raises(DefinitionError) as refusal:
        load_definition(text.replace(old, new, 1), where="mine.toml")
    assert any(
        problem.where == key and said in problem.text and mend in problem.mend for problem in refusal.value.problems
    ), str(refusal.value)
    assert str(refusal.value).startswith("mine.toml has ")


def test_every_problem_is_listed_and_not_only_the_first(text: str) -> None:
    wrong = (
        text.replace("returns = 3", "returns = -1")
        .replace("\ndays = 5", "\nday = 5")
        .replace('to = "appeal"', "to = 7")
    )
    with pytest.raises(DefinitionError) as refusal:
        load_definition(wrong, where="mine.toml")
    keys = [problem.where for problem in refusal.value.problems]
    assert keys == [
        "limits.returns",
        "stages[2] (scoring).day",
        "stages[4] (signoff).day",
        "stages[5] (appeal).day",
        "moves[16] (object).to",
    ]
    assert len(str(refusal.value).splitlines()) == len(keys) + 1


def test_what_is_no_toml_is_named_by_its_line() -> None:
    with pytest.raises(DefinitionError, match=r"it is not TOML: .*line 2"):
        load_definition("format = 1\nid = \n", where="mine.toml")


@pytest.mark.parametrize(
    "hostile",
    [
        "x = " + "[" * 2000 + "]" * 2000,
        "x = " + "9" * 4900,
        "a." * 50_000 + "b = 1",
        "# a\n" * 60_000,
    ],
)
def test_what_would_overwhelm_the_reader_is_refused_with_a_sentence(text: str, hostile: str) -> None:
    with pytest.raises(DefinitionError, match=r"nested too deeply|too many digits|it is too long"):
        load_definition(f"{text}\n{hostile}\n", where="w.toml")


def test_the_digest_is_over_the_content_and_not_the_bytes(text: str) -> None:
    digest = load_definition(text, where="a").digest
    relaid = "\n\n".join(line.split("   #")[0] for line in text.splitlines() if not line.startswith("#"))
    assert relaid != text
    assert load_definition(relaid, where="b").digest == digest
    assert load_definition(text.replace('"scoring"', "'scoring'"), where="c").digest == digest
    assert load_definition(text.replace("returns = 3", "returns = 4"), where="d").digest != digest


def test_a_definition_cannot_be_changed(definition: Definition) -> None:
    with pytest.raises(ValueError, match="frozen"):
        definition.id = "other"  # type: ignore[misc]


def test_two_meanings_of_one_action_do_not_compile(text: str) -> None:
    doubled = text.replace('action = "send-back"', 'action = "decide"')
    with pytest.raises(DefinitionError, match="'decide' has two meanings in the stage 'appeal'"):
        compile_lifecycle(load_definition(doubled, where="doubled"))


def test_the_schema_admits_what_ships_and_refuses_unknown_keys(definition: Definition) -> None:
    schema = workflow_schema()
    Draft202012Validator.check_schema(schema)
    content = json.loads(definition.model_dump_json(by_alias=True, exclude_unset=True))
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(content)) == []
    assert list(validator.iter_errors({**content, "colour": "blue"})) != []


def test_a_line_of_posts_without_a_group_has_none(definition: Definition) -> None:
    assert definition.roles.group_of("gardener") is None
    group = definition.roles.group_of("director")
    assert group is not None
    assert group.assessor == "vice-president"
