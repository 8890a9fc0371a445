"""Corrections of final results on a page: put forward with the effect seen, signed by a second person, both see it."""

from typing import Any

import pytest

from models.columns import table_of
from models.people import Grant
from services import correction_case, corrections, proving
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, VICE, granted
from tests.services.closing import END, close_all, deduct, finalise, vouch
from tests.services.counting import sent
from tests.web.browsing import PASSWORD, Browser, Pages, words_of

PATH = f"/corrections/{QUARTER}/{CLERK}"
CODE = f"{PATH}@clerical"
TABLE = f"/cycles/{QUARTER}/results"


@pytest.fixture
def final(pages: Pages) -> Pages:
    """A final quarter in which the clerk lost 4 and 5 points and the director 4."""
    uow, office = pages.play.uow, pages.play.office
    vouch(uow)
    deduct(uow, office, CLERK, "C3.1", 4)
    deduct(uow, office, CLERK, "C3.1", 5, day=4)
    deduct(uow, office, DIRECTOR, "D1.1", 4)
    close_all(uow, office)
    finalise(uow, office)
    pages.clock.set(END)
    return pages


def proposing(hr: Browser, **values: Any) -> Any:
    """Fill in the form, look at the effect, and put it forward."""
    typed = {"decision_F1": "change", "amount_F1": "3", "decision_F2": "strike", "reason": "Misread.", **values}
    seen = hr.send(hr.get(PATH), f"{CODE}/propose", again="1", **typed)
    if seen.status_code != 200:
        return seen
    fields = next(fields for to, fields in hr.forms(seen) if to == f"{CODE}/propose")
    chosen = {name.replace("_", "-"): value for name, value in typed.items()}
    return hr.post(f"{CODE}/propose", {**fields, **chosen})


def total(pages: Pages) -> str:
    said = words_of(pages.browser(CLERK).get(f"/appraisals/{QUARTER}/{CLERK}"))
    return said.partition("Total: ")[2].split()[0]


def test_hr_sees_the_effect_before_anything_is_written_and_the_approver_signs_it(final: Pages) -> None:
    hr, president = final.browser(OFFICER), final.browser(PRESIDENT)
    page = hr.get(PATH)
    assert "In force · Total 91" in words_of(page)
    seen = hr.send(page, f"{CODE}/propose", decision_F2="strike", reason="Misread.", again="1")
    said = words_of(seen)
    assert "Item C3 16 21" in said
    assert "Total 91 96" in said
    assert "Nothing changes before the approver has signed it" in said
    assert final.play.rows("SELECT 1 FROM event WHERE kind LIKE 'correction%'") == []
    answer = proposing(hr)
    assert answer.headers["location"] == f"{PATH}@clerical?done=proposed" or answer.status_code == 303, words_of(answer)
    assert total(final) == "91"
    table = president.get(TABLE)
    assert f"Corrections that wait for a signature (1) Person {CLERK} ({CLERK})" in words_of(table)
    page = president.get(PATH)
    said = words_of(page)
    assert f"Put forward by Person {OFFICER} ({OFFICER}) on" in said
    assert "Misread. F1: set to 3 F2: struck" in said
    assert "Total 91 97" in said
    wrong = president.send(page, f"{CODE}/approve", password="not mine at all")
    assert wrong.status_code == 403
    assert total(final) == "91"
    assert president.send(page, f"{CODE}/approve", password=PASSWORD).status_code == 303
    assert total(final) == "97"
    assert president.send(page, f"{CODE}/approve", password=PASSWORD).status_code in {403, 409}
    said = words_of(hr.get(PATH))
    assert "In force · Total 97" in said
    assert "Corrections so far" in said
    assert f"Person {PRESIDENT} ({PRESIDENT}): signed F1: set to 3 F2: struck Misread." in said
    assert proving.prove(final.play.uow, cycle=QUARTER).differences == ()


def test_what_is_put_forward_is_what_was_seen(final: Pages) -> None:
    hr = final.browser(OFFICER)
    seen = hr.send(hr.get(PATH), f"{CODE}/propose", decision_F2="strike", reason="Misread.", again="1")
    fields = next(fields for to, fields in hr.forms(seen) if to == f"{CODE}/propose")
    other = hr.post(f"{CODE}/propose", {**fields, "decision-F1": "strike", "decision-F2": "keep"})
    assert other.status_code == 200
    assert "Total 91 95" in words_of(other)
    assert final.play.rows("SELECT 1 FROM event WHERE kind LIKE 'correction%'") == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reason": ""}, "A correction needs a reason."),
        ({"decision_F1": "change", "amount_F1": "99"}, "99"),
        ({"decision_F1": "keep", "decision_F2": "keep"}, "would change no figure"),
        ({"decision_F1": "change", "amount_F1": ""}, "Say what becomes of F1"),
    ],
)
def test_what_is_refused_is_said_and_what_was_typed_is_kept(final: Pages, values: dict[str, str], said: str) -> None:
    answer = proposing(final.browser(OFFICER), **values)
    assert answer.status_code in {403, 422}
    assert said in words_of(answer)
    assert values.get("reason") == "" or "Misread." in answer.text
    assert final.play.rows("SELECT 1 FROM event WHERE kind = 'correction-proposed'") == []


def test_the_approver_refuses_with_a_reason_that_hr_reads(final: Pages) -> None:
    hr, president = final.browser(OFFICER), final.browser(PRESIDENT)
    proposing(hr)
    page = president.get(PATH)
    assert president.send(page, f"{CODE}/refuse", reason="").status_code == 422
    assert president.send(page, f"{CODE}/refuse", reason="It was read well.").status_code == 303
    said = words_of(hr.get(PATH))
    assert "refused It was read well." in said
    assert "Waits for a signature" not in said
    assert "Corrections that wait" not in words_of(hr.get(TABLE))
    assert total(final) == "91"


def test_nobody_corrects_a_superior_or_looks_who_may_not(final: Pages) -> None:
    hr = final.browser(OFFICER)
    path = f"/corrections/{QUARTER}/{PERSONNEL}"
    page = hr.get(path)
    assert "Put this correction forward" not in words_of(page)
    assert "What becomes of" not in words_of(page)
    token = next(fields["form-token"][0] for _, fields in hr.forms(page) if "form-token" in fields)
    answer = hr.post(f"{path}/propose", {"form-token": token, "decision-F3": "strike", "reason": "x"})
    assert answer.status_code == 403
    for number in (CLERK, ESCORT):
        assert final.browser(number).get(PATH).status_code == 404
    assert final.browser(OFFICER).get(f"/corrections/{QUARTER}/{ESCORT}").status_code == 200
    assert final.browser(OFFICER).get(f"/corrections/{QUARTER}/9999").status_code == 404


def test_hr_reads_nothing_of_what_is_proposed_for_a_superior(final: Pages) -> None:
    play = final.play
    with play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(play.office.people[VICE], "hr"))
    code, why = f"{QUARTER}/{DIRECTOR}", "It was another office."
    lines = {"F3": "strike"}
    corrections.propose_correction(play.uow, actor=play.who(VICE), now=END, appraisal=code, lines=lines, reason=why)
    hr, president = final.browser(OFFICER), final.browser(PRESIDENT)
    assert why not in words_of(hr.get(f"/corrections/{code}"))
    assert "Corrections that wait" not in words_of(hr.get(TABLE))
    assert why in words_of(president.get(f"/corrections/{code}"))
    assert "Corrections that wait" in words_of(president.get(TABLE))


def test_before_it_is_final_nothing_is_corrected_and_no_figure_is_shown(pages: Pages) -> None:
    pages.play.bring("review")
    said = words_of(pages.browser(OFFICER).get(PATH))
    assert "Nothing can be corrected here now." in said
    assert "Total" not in said
    assert "Correct this result" not in words_of(pages.browser(OFFICER).get(f"/appraisals/{QUARTER}/{CLERK}"))


def test_who_looks_is_written_down_and_few_statements_are_needed(final: Pages) -> None:
    proposing(final.browser(OFFICER))
    uow, actor = final.play.uow, final.play.who(PRESIDENT)
    before = len(final.play.rows("SELECT 1 FROM view_log"))
    correction_case.correction_case(uow, actor=actor, now=END, appraisal=f"{QUARTER}/{CLERK}")
    assert len(final.play.rows("SELECT 1 FROM view_log")) == before + 1
    with sent(uow.engine) as statements:
        correction_case.corrections_waiting(uow, actor=actor, now=END, cycle=QUARTER)
    assert len(statements) <= 6, statements
