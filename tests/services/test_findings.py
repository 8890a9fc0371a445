import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from models.columns import table_of
from models.people import Assignment, ConflictOfInterest, Grant, Post
from services import findings
from services.actors import SYSTEM
from services.appraisals import Words
from services.audit import digest
from services.errors import AppraiseError, Malformed, NotFound, Refused
from services.finding_checks import Entry
from services.finding_writing import finding_content
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECURITY,
    VICE,
    assignment,
    build_office,
    granted,
    move,
    noon,
    open_quarter,
    submit,
)
from tests.services.recording import HAPPENED, TODAY, Book


@pytest.fixture
def book(uow: UnitOfWork) -> Book:
    """The tiny office before any cycle."""
    return Book(uow, build_office(uow))


@pytest.fixture
def opened(book: Book) -> Book:
    """The same with the first quarter open."""
    open_quarter(book.uow, book.office)
    return book


def test_an_assessor_records_a_finding_and_the_person_is_owed_a_notice(book: Book) -> None:
    recorded = book.add()
    assert (recorded.number, recorded.rule, recorded.amount) == (DIRECTOR, "D1.1", 4)
    row = book.row(recorded.code)
    assert (row.happened, row.known, row.counted_on) == (HAPPENED, HAPPENED, HAPPENED)
    assert (row.recorded_by, row.recorded_at) == (book.office.people[VICE], TODAY)
    assert book.messages("finding-recorded") == [
        (book.office.people[DIRECTOR], f"finding-recorded/{recorded.code}"),
    ]


def test_the_event_vouches_for_the_finding_and_for_its_words(book: Book) -> None:
    code = book.add().code
    row = book.row(code)
    kind, payload = book.events(f"ledger:{book.office.assignments[DIRECTOR]}")[-1]
    assert kind == "finding.recorded"
    assert payload["finding"] == row.id
    assert payload["digest"] == digest(finding_content(row._asdict()))
    assert len(payload["text"]) == 64
    assert "waited" not in str(payload)


def test_what_a_rule_fixes_is_not_stored_with_the_finding(book: Book) -> None:
    recorded = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None, reason=None)
    assert recorded.amount == 10
    assert book.row(recorded.code).amount is None
    named = book.add(by=DIRECTOR, number=SECURITY, rule="A1.3", amount=Fraction(10), reason=None)
    assert (named.amount, book.row(named.code).amount) == (10, None)


def test_an_incident_is_made_by_its_first_use(book: Book) -> None:
    first = book.add(incident="the flood")
    second = book.add(rule="D7.1", incident="the flood")
    assert book.row(first.code).incident_id == book.row(second.code).incident_id
    assert [kind for kind, _ in book.events("org")].count("incident.registered") == 1


def test_sub_reasons_are_ticked_from_the_checklist_of_the_clause(book: Book) -> None:
    known = "careless"
    code = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None, sub_reasons=(known,)).code
    assert book.seen(code, by=DIRECTOR).sub_reasons == (known,)
    with pytest.raises(Refused, match="has no sub-reason lazy"):
        book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None, sub_reasons=("lazy",))


BAD: list[tuple[dict[str, Any], type[AppraiseError], str, str]] = [
    ({"amount": Fraction(6)}, Refused, "out-of-range", r"1004: D1.1 takes 3 to 5 points; 6 is outside"),
    ({"amount": Fraction(2)}, Refused, "out-of-range", r"takes 3 to 5 points; 2 is outside"),
    ({"amount": Fraction(7, 2)}, Refused, "off-step", r"goes in steps of 1; 3.5 is between two"),
    ({"amount": None}, Refused, "amount-missing", r"takes 3 to 5 points; pick a value"),
    ({"reason": None}, Refused, "reason-missing", r"a value picked from one needs a reason"),
    ({"reason": "  "}, Refused, "reason-missing", r"a value picked from one needs a reason"),
    ({"rule": "A1.2", "amount": None}, Refused, "other-post", r"A1.2 is a rule of deputy-security"),
    ({"rule": "Z9"}, Refused, "unknown-rule", r"Z9 is no rule of director"),
    ({"rule": "D5.1"}, Refused, "key-missing", r"counts once per meeting; name it as the key"),
    ({"units": Fraction(2)}, Refused, "units-unexpected", r"is not counted in units"),
    ({"happened": dt.date(2026, 2, 17)}, Refused, "future", r"happened 2026-02-17 lies in the future"),
    ({"known": dt.date(2026, 3, 1)}, Refused, "future", r"known 2026-03-01 lies in the future"),
    ({"known": dt.date(2026, 2, 1)}, Refused, "known-before-happened", r"became known on 2026-02-01, before it"),
    ({"happened": dt.date(2019, 12, 31)}, Refused, "before-assignment", r"lies before the assignment of 1004"),
    ({"number": "4711"}, NotFound, "unknown-person", r"Nobody has the employee number 4711"),
    ({"number": "10 04"}, Malformed, "bad-code", r"does not name a person"),
    ({"number": "1004@escort"}, Refused, "no-assignment", r"1004 has no assignment as escort"),
    ({"document": "D77"}, NotFound, "unknown-document", r"There is no document D77"),
    ({"document": "77"}, Malformed, "bad-code", r"does not name a document"),
    ({"incident": " "}, Malformed, "missing", r"The code of an incident is empty"),
]


@pytest.mark.parametrize(
    ("changes", "error", "code", "sentence"), BAD, ids=[f"{one[2]}-{i}" for i, one in enumerate(BAD)]
)
def test_a_finding_that_a_rule_refuses_leaves_nothing_but_the_refusal(
    book: Book, changes: dict[str, Any], error: type[AppraiseError], code: str, sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as raised:
        book.add(**changes)
    assert raised.value.code == code
    assert raised.value.sentence.endswith(".")
    assert book.count() == 0
    assert book.messages("finding-recorded") == []
    refusals = book.events("refusals")
    assert [(kind, payload["code"]) for kind, payload in refusals] == (
        [] if error is Malformed else [("finding.add", code)]
    )


def test_a_fixed_amount_that_is_given_otherwise_is_refused(book: Book) -> None:
    with pytest.raises(Refused, match="takes 10 points here, not 5; leave the amount out"):
        book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=Fraction(5))


def test_a_derived_deduction_is_typed_by_nobody(book: Book) -> None:
    with pytest.raises(Refused, match=r"A1.1 follows from the duty records, so nobody records it"):
        book.add(by=DIRECTOR, number=SECURITY, rule="A1.1", amount=None)


def test_the_key_is_a_document_of_the_kind_that_the_rule_names(book: Book) -> None:
    meeting, circular = book.document("meeting", "7"), book.document("circular", "8")
    with pytest.raises(Refused, match=f"D5.1 counts once per meeting, and {circular} is a circular"):
        book.add(rule="D5.1", document=circular)
    assert book.seen(book.add(rule="D5.1", document=meeting).code, by=VICE).document == meeting


def test_the_day_after_the_assignment_ended_is_refused(book: Book) -> None:
    row = assignment(
        book.office.people[ESCORT],
        book.office.posts["clerical"],
        book.office.unit,
        in_charge=book.office.people[PERSONNEL],
        first=dt.date(2019, 1, 1),
        last=dt.date(2019, 6, 30),
    )
    with book.uow.write() as tx:
        tx.insert(table_of(Assignment), row)
    with pytest.raises(
        Refused, match=r"2019-07-01 lies after the assignment of 1009@clerical, which ended on 2019-06-30"
    ):
        book.add(by=PERSONNEL, number="1009@clerical", rule="C1.1", happened=dt.date(2019, 7, 1))


def test_whoever_held_two_posts_that_day_is_named_with_the_post(book: Book) -> None:
    row = assignment(
        book.office.people[ESCORT],
        book.office.posts["clerical"],
        book.office.unit,
        in_charge=book.office.people[PERSONNEL],
        first=dt.date(2026, 1, 1),
    )
    with book.uow.write() as tx:
        tx.insert(table_of(Assignment), row)
    with pytest.raises(Malformed, match="held several posts on 2026-02-03; write one of 1009@escort, 1009@clerical"):
        book.add(by=SECURITY, number=ESCORT, rule="E1.3", amount=Fraction(2))
    assert book.add(by=SECURITY, number="1009@escort", rule="E1.3", amount=Fraction(2)).amount == 2


@pytest.mark.parametrize("by", [PRESIDENT, SECURITY, OFFICER, CLERK])
def test_nobody_but_the_assessor_records(book: Book, by: str) -> None:
    with pytest.raises(Refused) as raised:
        book.add(by=by)
    assert raised.value.code in {"not-assessor", "own-or-superior"}


def test_nobody_records_about_himself_or_a_superior(book: Book) -> None:
    for by, number, rule in ((DIRECTOR, DIRECTOR, "D1.1"), (SECURITY, DIRECTOR, "D1.1"), (ESCORT, SECURITY, "A1.2")):
        with pytest.raises(Refused, match="Nobody may record a finding for himself or one of his superiors"):
            book.add(by=by, number=number, rule=rule)


def test_the_system_records_nothing(book: Book) -> None:
    with pytest.raises(Refused, match="Only a person writes into a ledger"):
        book.add(by=SYSTEM)


@pytest.mark.parametrize("declared_by", [VICE, DIRECTOR])
def test_an_interest_recuses_from_recording_whoever_declared_it(opened: Book, declared_by: str) -> None:
    other = DIRECTOR if declared_by == VICE else VICE
    people = opened.office.people
    row = {"person_id": people[declared_by], "other_id": people[other], "valid_from": dt.date(2026, 1, 1)}
    with opened.uow.write() as tx:
        tx.insert(table_of(ConflictOfInterest), row)
    with pytest.raises(Refused, match="There is a recorded conflict of interest with 1004"):
        opened.add()


def test_an_entry_for_the_assessor_needs_a_grant_a_reason_and_the_same_distance(book: Book) -> None:
    with pytest.raises(Refused, match="needs the grant proxy"):
        book.add(by=book.office.proxy(VICE, CLERK))
    with book.uow.write() as tx:
        for number in (CLERK, PRESIDENT):
            tx.insert(table_of(Grant), granted(book.office.people[number], "proxy"))
    with pytest.raises(Refused, match="needs a reason"):
        book.add(by=book.office.proxy(VICE, PRESIDENT, reason=" "))
    with pytest.raises(Refused, match="for himself or one of his superiors"):
        book.add(by=book.office.proxy(VICE, CLERK))
    recorded = book.add(by=book.office.proxy(VICE, PRESIDENT))
    row = book.row(recorded.code)
    assert (row.recorded_by, row.on_behalf_of) == (book.office.people[PRESIDENT], book.office.people[VICE])
    assert book.messages("proxy-entry") == [(book.office.people[VICE], f"proxy-entry/finding/{recorded.id}")]


def test_the_holder_frozen_at_the_opening_records_even_when_the_line_changed(opened: Book) -> None:
    people = opened.office.people
    change = table_of(Assignment).update().where(table_of(Assignment).c.person_id == people[CLERK])
    with opened.uow.write() as tx:
        tx.run(change.values(in_charge_id=people[SECURITY]))
    with pytest.raises(Refused, match="Only the assessor of 1008"):
        opened.add(by=SECURITY, number=CLERK, rule="C1.1", amount=None)
    assert opened.add(by=PERSONNEL, number=CLERK, **clerk_rule()).number == CLERK


def test_a_post_in_no_group_of_the_workflow_has_nobody_who_records(book: Book) -> None:
    post = table_of(Post)
    with book.uow.write() as tx:
        tx.run(post.update().where(post.c.id == book.office.posts["clerical"]).values(code="receptionist"))
    with pytest.raises(Refused, match=r"Nobody scores 1008, so nobody may record a finding: .* no group") as refusal:
        book.add(by=PERSONNEL, number=CLERK, **clerk_rule())
    assert refusal.value.code == "no-assessor"


def clerk_rule() -> dict[str, Any]:
    return {"rule": "C3.1", "amount": Fraction(3)}


# --- the closed ledger and late discovery (reading 13) ---------------------------------------------------------------


def test_nothing_enters_a_closed_ledger(opened: Book) -> None:
    code = opened.add().code
    submit(opened.uow, opened.office, noon(4, 2), number=DIRECTOR, by=VICE)
    with pytest.raises(Refused, match="The ledger of 2026-02-03 is closed"):
        opened.add(now=noon(4, 2))
    with pytest.raises(Refused, match="The ledger of 2026-02-03 is closed"):
        findings.void(
            opened.uow, actor=opened.office.actor(VICE), now=noon(4, 2), finding=code, reason="the wrong person"
        )
    assert opened.count() == 1


def test_what_is_discovered_late_counts_in_the_period_in_which_it_became_known(opened: Book) -> None:
    submit(opened.uow, opened.office, noon(4, 2), number=DIRECTOR, by=VICE)
    recorded = opened.add(now=noon(4, 20), known=dt.date(2026, 4, 20))
    row = opened.row(recorded.code)
    assert (row.happened, row.known, row.counted_on) == (HAPPENED, dt.date(2026, 4, 20), dt.date(2026, 4, 20))


def test_what_became_known_in_the_closed_period_enters_nowhere(opened: Book) -> None:
    submit(opened.uow, opened.office, noon(4, 2), number=DIRECTOR, by=VICE)
    with pytest.raises(Refused, match="The ledger of 2026-02-03 is closed"):
        opened.add(now=noon(4, 20), known=dt.date(2026, 3, 30))


def test_what_happened_earlier_counts_where_it_happened_while_that_ledger_is_open(opened: Book) -> None:
    row = opened.row(opened.add(now=noon(4, 1), known=dt.date(2026, 4, 1)).code)
    assert row.counted_on == HAPPENED


def test_after_a_return_findings_enter_again(opened: Book) -> None:
    submit(opened.uow, opened.office, noon(4, 2), number=DIRECTOR, by=VICE)
    words = Words(comment="One is missing.")
    move(opened.uow, opened.office, noon(4, 3), number=DIRECTOR, by=PRESIDENT, action="return", words=words)
    assert opened.add(now=noon(4, 3)).counted_on == HAPPENED


def test_no_rule_judges_the_past(book: Book) -> None:
    with pytest.raises(Refused, match="No published rubric has the post director and was in force on 2025-10-01"):
        book.add(happened=dt.date(2025, 12, 1))


# --- void and replace ------------------------------------------------------------------------------------------------


def test_a_finding_is_voided_with_a_reason_and_stays(book: Book) -> None:
    code = book.add().code
    findings.void(book.uow, actor=book.office.actor(VICE), now=TODAY, finding=code, reason="It was another bank.")
    seen = book.seen(code, by=VICE)
    assert (seen.voided, seen.counts, seen.void_reason, seen.amount) == (True, False, "It was another bank.", 4)
    kind, payload = book.events(f"ledger:{book.office.assignments[DIRECTOR]}")[-1]
    assert (kind, payload["digest"]) == ("finding.voided", digest(finding_content(book.row(code)._asdict())))


def test_a_finding_is_voided_once_by_the_assessor_and_never_without_a_reason(book: Book) -> None:
    code = book.add().code
    vice, director = book.office.actor(VICE), book.office.actor(DIRECTOR)
    with pytest.raises(Malformed, match="needs a reason"):
        findings.void(book.uow, actor=vice, now=TODAY, finding=code, reason=" ")
    with pytest.raises(Refused, match="Nobody may void a finding for himself"):
        findings.void(book.uow, actor=director, now=TODAY, finding=code, reason="I did not")
    with pytest.raises(NotFound, match="There is no finding F4711"):
        findings.void(book.uow, actor=vice, now=TODAY, finding="F4711", reason="an error")
    findings.void(book.uow, actor=vice, now=TODAY, finding=code, reason="an error")
    with pytest.raises(Refused, match=f"{code} is void already"):
        findings.void(book.uow, actor=vice, now=TODAY, finding=code, reason="an error")


def test_to_replace_is_to_void_and_to_record_in_one_act(book: Book) -> None:
    code = book.add().code
    entry = Entry(DIRECTOR, "D1.1", HAPPENED, amount=Fraction(3), reason="Only one week.")
    new = findings.replace(
        book.uow, actor=book.office.actor(VICE), now=TODAY, finding=code, entry=entry, reason="miscounted"
    )
    assert book.seen(code, by=VICE).voided
    assert book.seen(new.code, by=VICE).replaces == code
    bad = Entry(DIRECTOR, "D1.1", HAPPENED, amount=Fraction(9), reason="More.")
    with pytest.raises(Refused, match="9 is outside"):
        findings.replace(
            book.uow, actor=book.office.actor(VICE), now=TODAY, finding=new.code, entry=bad, reason="miscounted"
        )
    assert not book.seen(new.code, by=VICE).voided
    assert book.count() == 2


def test_a_replacement_stays_with_the_same_assignment(book: Book) -> None:
    code = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None).code
    entry = Entry(PERSONNEL, "B1.1", HAPPENED, amount=Fraction(3), reason="It was he.")
    with pytest.raises(Refused, match="is about another assignment"):
        findings.replace(
            book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, finding=code, entry=entry, reason="the other"
        )
    assert not book.seen(code, by=DIRECTOR).voided


# --- reply, claim, confirm -------------------------------------------------------------------------------------------


def test_the_person_replies_beside_the_finding_for_five_working_days(opened: Book) -> None:
    code = opened.add(now=noon(2, 9)).code
    director = opened.office.actor(DIRECTOR)
    reply = findings.reply(opened.uow, actor=director, now=noon(2, 14), finding=code, text="The branch was told.")
    assert [one.text for one in opened.seen(code, by=VICE).replies] == ["The branch was told."]
    assert opened.messages("finding-reply") == [(opened.office.people[VICE], f"finding-reply/{reply}")]
    assert opened.row(code).amount == 4
    # The sixth working day after 9 February 2026 comes after the Spring Festival; 14 February is a make-up day.
    with pytest.raises(Refused, match="The days to reply to F1 ended on 2026-02-14"):
        findings.reply(opened.uow, actor=director, now=noon(2, 24), finding=code, text="And another thing.")


def test_a_reply_stands_also_after_the_submission(opened: Book) -> None:
    code = opened.add(now=noon(4, 1)).code
    submit(opened.uow, opened.office, noon(4, 2), number=DIRECTOR, by=VICE)
    before = opened.row(code)
    findings.reply(opened.uow, actor=opened.office.actor(DIRECTOR), now=noon(4, 3), finding=code, text="I was away.")
    assert opened.row(code) == before
    assert [one.text for one in opened.seen(code, by=PRESIDENT).replies] == ["I was away."]


def test_only_the_person_replies_and_only_to_what_stands(book: Book) -> None:
    code = book.add().code
    with pytest.raises(NotFound, match=f"There is no finding {code}, or it is not yours to see"):
        findings.reply(book.uow, actor=book.office.actor(SECURITY), now=TODAY, finding=code, text="Poor man.")
    with pytest.raises(Malformed, match="A reply needs words"):
        findings.reply(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, finding=code, text=" ")
    findings.void(book.uow, actor=book.office.actor(VICE), now=TODAY, finding=code, reason="an error")
    with pytest.raises(Refused, match="is void and counts nothing"):
        findings.reply(book.uow, actor=book.office.actor(DIRECTOR), now=TODAY, finding=code, text="I was away.")


def claim(book: Book, **changes: Any) -> str:
    values: dict[str, Any] = {"number": SECURITY, "rule": "A1.8", "happened": HAPPENED}
    by = changes.pop("by", SECURITY)
    return findings.claim(book.uow, actor=book.office.actor(by), now=TODAY, **(values | changes)).code


def test_a_commendation_is_claimed_by_the_person_and_confirmed_by_the_assessor(opened: Book) -> None:
    code = claim(opened, document=opened.document("commendation"))
    assert not opened.seen(code, by=SECURITY).counts
    assert opened.messages("claim-made") == [(opened.office.people[DIRECTOR], f"claim-made/{code}")]
    assert opened.messages("finding-recorded") == []
    with pytest.raises(Refused, match="Nobody may confirm a claim for himself"):
        findings.confirm(opened.uow, actor=opened.office.actor(SECURITY), now=TODAY, finding=code)
    findings.confirm(opened.uow, actor=opened.office.actor(DIRECTOR), now=TODAY, finding=code)
    assert opened.seen(code, by=SECURITY).counts
    assert opened.messages("finding-recorded") == [(opened.office.people[SECURITY], f"finding-recorded/{code}")]
    with pytest.raises(Refused, match="was confirmed or voided already"):
        findings.confirm(opened.uow, actor=opened.office.actor(DIRECTOR), now=TODAY, finding=code)


def test_a_claim_is_ones_own_and_a_reward(book: Book) -> None:
    document = book.document("commendation")
    with pytest.raises(Refused, match="Everybody claims his own commendations only"):
        claim(book, by=ESCORT, document=document)
    with pytest.raises(Refused, match="only a reward can be claimed"):
        claim(book, rule="A1.2")
    with pytest.raises(Refused, match="counts once per commendation; name it as the key"):
        claim(book)


def test_a_claim_for_another_tells_a_stranger_nothing_of_his_ledger(opened: Book) -> None:
    tries: list[dict[str, Any]] = [{}, {"rule": "Z9"}, {"document": opened.document("circular")}, {"document": "D77"}]
    said = set()
    for closed in (False, True):
        if closed:
            submit(opened.uow, opened.office, TODAY, number=CLERK, by=PERSONNEL)
        for values in tries:
            with pytest.raises(Refused) as refusal:
                claim(opened, by=ESCORT, number=CLERK, **values)
            said.add(refusal.value.sentence)
    assert len(said) == 1, said


def test_an_assessor_declines_a_claim_by_voiding_it_and_confirms_only_claims(book: Book) -> None:
    director = book.office.actor(DIRECTOR)
    code = claim(book, document=book.document("commendation"))
    findings.void(book.uow, actor=director, now=TODAY, finding=code, reason="It names another office.")
    with pytest.raises(Refused, match="was confirmed or voided already"):
        findings.confirm(book.uow, actor=director, now=TODAY, finding=code)
    plain = book.add(by=DIRECTOR, number=SECURITY, rule="A1.2", amount=None).code
    with pytest.raises(Refused, match="was recorded by the assessor and counts already"):
        findings.confirm(book.uow, actor=director, now=TODAY, finding=plain)
