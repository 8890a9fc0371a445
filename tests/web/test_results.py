"""Results: last quarter beside this one, averages that give nobody away, the signature of two, the export."""

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import text

from services import checkpoints, organisation_import, people, result_groups, result_page
from services.actors import SYSTEM
from services.signatures import new_signing_key
from tests.services.builders import CLERK, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, noon
from tests.services.closing import close_all, deduct, finalise, sign, write
from tests.services.counting import sent
from tests.services.playing import ANSWERED
from tests.web.browsing import PASSWORD, Pages, words_of

PATH = f"/cycles/{QUARTER}/results"
LATER = noon(4, 12)


@pytest.fixture
def closed(pages: Pages) -> Pages:
    """The office with every appraisal closed, and four points less for the clerk."""
    deduct(pages.play.uow, pages.play.office, CLERK, "C3.1", 4)
    close_all(pages.play.uow, pages.play.office)
    pages.clock.set(LATER)
    return pages


def test_provisional_figures_stand_there_and_hr_sees_its_superiors_as_an_appraisee_would(pages: Pages) -> None:
    pages.play.bring("review")
    pages.play.bring("review", of=PERSONNEL)
    hr = words_of(pages.browser(OFFICER).get(PATH))
    assert "Provisional: nothing here is signed yet." in hr
    of_clerk = hr.partition(f"Person {CLERK} ({CLERK})")[2][:120]
    assert " 100 " in of_clerk
    of_superior = hr.partition(f"Person {PERSONNEL} ({PERSONNEL}) deputy")[2]
    assert " 100 " not in of_superior.partition(f"Person {OFFICER}")[0]
    whole = words_of(pages.browser(PRESIDENT).get(PATH))
    assert " 100 " in whole.partition(f"Person {PERSONNEL} ({PERSONNEL}) deputy")[2][:120]


def test_two_sign_by_the_check_number_and_then_it_is_final(closed: Pages) -> None:
    hr, president = closed.browser(OFFICER), closed.browser(PRESIDENT)
    answer = hr.send(hr.get(PATH), f"/cycles/{QUARTER}/propose", table="whole")
    assert answer.headers["location"] == f"{PATH}?done=proposed", words_of(answer)
    page = hr.get(PATH)
    assert "It waits for the approver." in words_of(page)
    (row,) = closed.play.rows("SELECT digest FROM proposal")
    page = president.get(PATH)
    assert row.digest in page.text
    wrong = president.send(page, f"/cycles/{QUARTER}/approve", password="not mine at all")
    assert wrong.status_code == 403
    other = president.send(page, f"/cycles/{QUARTER}/approve", check_number="0" * 64, password=PASSWORD)
    assert other.status_code == 409
    signed = president.send(page, f"/cycles/{QUARTER}/approve", password=PASSWORD)
    assert signed.headers["location"] == f"{PATH}?done=approved", words_of(signed)
    assert closed.play.rows("SELECT state FROM cycle WHERE code = '2026Q1'")[0].state == "finalising"
    twice = president.send(page, f"/cycles/{QUARTER}/approve", password=PASSWORD)
    assert twice.status_code in {403, 409}


def test_a_proposal_that_is_refused_opens_the_cycle_again(closed: Pages) -> None:
    hr, president = closed.browser(OFFICER), closed.browser(PRESIDENT)
    hr.send(hr.get(PATH), f"/cycles/{QUARTER}/propose", table="whole")
    page = president.get(PATH)
    assert president.send(page, f"/cycles/{QUARTER}/refuse", reason="").status_code == 403
    answer = president.send(page, f"/cycles/{QUARTER}/refuse", reason="One figure is wrong.")
    assert answer.status_code == 303
    assert "The approver refused the last proposal" in words_of(hr.get(PATH))


def test_what_cannot_be_proposed_yet_is_said(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    answer = browser.send(browser.get(PATH), f"/cycles/{QUARTER}/propose", table="whole")
    assert answer.status_code == 403
    assert "Still to do" in words_of(answer)


def test_a_late_appeal_since_hr_looked_is_a_conflict_and_what_is_then_seen_can_be_put_forward(pages: Pages) -> None:
    play = pages.play
    finding = play.deduct("E3.1", 5, of=ESCORT)
    close_all(play.uow, play.office, but=(ESCORT,))
    play.bring("signoff", of=ESCORT)
    pages.clock.set(LATER)
    hr = pages.browser(OFFICER)
    looked = hr.get(PATH)
    play.act(ESCORT, "object", of=ESCORT, at=ANSWERED, reason="It was not my turn.", lines={finding: None})
    late = hr.send(looked, f"/cycles/{QUARTER}/propose", table="whole")
    assert late.status_code == 409
    assert f"The appraisals of {QUARTER} have moved since you looked" in words_of(late)
    assert hr.send(looked, f"/cycles/{QUARTER}/propose", table="whole", moves="").status_code == 422
    assert play.rows("SELECT id FROM proposal") == []
    answer = hr.send(late, f"/cycles/{QUARTER}/propose", table="whole")
    assert answer.headers["location"] == f"{PATH}?done=proposed", words_of(answer)
    assert "1 is under appeal or on hold and enters later." in words_of(hr.get(PATH))


def test_the_newest_checkpoint_stands_on_a_table_that_is_put_forward_or_signed(closed: Pages, tmp_path: Path) -> None:
    def make(name: str) -> str:
        asked = {"now": LATER, "path": tmp_path / name, "key": new_signing_key()}
        return checkpoints.make(closed.play.uow, **asked).fingerprint

    hr = closed.browser(OFFICER)
    first = make("one.json")
    page = hr.get(PATH)
    assert first not in page.text
    hr.send(page, f"/cycles/{QUARTER}/propose", table="whole")
    assert f"<code>{first}</code>" in hr.get(PATH).text
    second = make("two.json")
    said = closed.browser(PRESIDENT).get(PATH).text
    assert f"<code>{second}</code>" in said
    assert first not in said
    write(closed.play.uow, sign(closed.play.uow, closed.play.office, now=LATER), now=LATER)
    assert f"Checkpoint: {second} (" in words_of(hr.get(PATH))


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_the_export_is_what_the_viewer_may_see_and_is_on_record(closed: Pages, form: str) -> None:
    browser = closed.browser(PRESIDENT)
    answer = browser.send(browser.get(PATH), f"/cycles/{QUARTER}/export", form=form)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{QUARTER}.{form}"'
    assert answer.content
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["total"] for row in rows if row["number"] == CLERK} == {"96"}
    assert closed.play.rows("SELECT kind FROM event WHERE kind = 'exported'")
    assert browser.send(browser.get(PATH), f"/cycles/{QUARTER}/export", form="exe").status_code == 422


def test_averages_hide_every_group_of_fewer_than_five(closed: Pages) -> None:
    asked = {"viewer": closed.play.office.actor(PRESIDENT), "now": LATER, "cycle": QUARTER}
    with sent(closed.play.uow.engine) as statements:
        groups = result_groups.result_groups(closed.play.uow, **asked)
    assert len(statements) <= 8, statements
    assert groups.people == 5
    assert [(one.code, one.people) for one in groups.units] == [("office", 5)]
    assert {one.people for one in groups.posts} == {None}
    assert groups.spread is not None
    assert groups.spread.count == 5
    said = words_of(closed.browser(PRESIDENT).get(PATH))
    assert "5 people with a closed appraisal; the average is 99.2." in said
    assert "not shown: fewer than 5 people" in said


def test_with_four_there_is_no_average_at_all(pages: Pages) -> None:
    close_all(pages.play.uow, pages.play.office, but=(ESCORT,))
    said = words_of(pages.browser(PRESIDENT).get(PATH))
    assert "Averages appear once five people have a closed appraisal." in said


def test_last_quarter_stands_beside_this_one_and_a_page_takes_few_statements(closed: Pages) -> None:
    from tests.services.builders import open_quarter

    play = closed.play
    finalise(play.uow, play.office)
    open_quarter(play.uow, play.office, code="2026Q2", now=noon(4, 13))
    play.uow.engine.clear_compiled_cache()
    asked = {"viewer": play.office.actor(OFFICER), "now": noon(4, 14), "cycle": "2026Q2"}
    with sent(play.uow.engine) as statements:
        page = result_page.result_page(play.uow, **asked)
    assert len(statements) <= 10, statements
    assert page.last_code == QUARTER
    assert page.last[CLERK, "clerical"] == (96, "excellent") or page.last[CLERK, "clerical"][0] == 96
    assert "2026Q1" in words_of(closed.browser(PRESIDENT).get("/cycles/2026Q2/results"))


def test_whoever_looked_at_the_results_of_others_is_listed_for_the_auditor(closed: Pages) -> None:
    play = closed.play
    people.grant(
        play.uow,
        actor=play.office.actor(OFFICER),
        now=closed.clock.now(),
        number=ESCORT,
        role="auditor",
        first=noon(4, 1).date(),
    )
    auditor = closed.browser(ESCORT)
    assert "Nobody has looked at the result of another yet." in words_of(auditor.get("/audit?what=looks"))
    closed.browser(PRESIDENT).get(PATH)
    closed.browser(PRESIDENT).get(f"/appraisals/{QUARTER}/{CLERK}")
    said = words_of(auditor.get("/audit?what=looks"))
    assert f"{PRESIDENT} {QUARTER}" in said
    assert f"{PRESIDENT} {QUARTER}/{CLERK}@clerical" in said


def test_results_are_found_by_initials_and_go_on_page_by_page(pages: Pages) -> None:
    data = "number,name,post,unit,from\n2001,王小明,clerical,office,2026-01-01\n".encode()
    organisation_import.apply(pages.play.uow, actor=SYSTEM, now=noon(4, 1), data=data, where="people.csv")
    browser = pages.browser(PRESIDENT)
    assert "Nobody is found." in words_of(browser.get(f"{PATH}?q=wxm"))
    assert f"({CLERK})" in words_of(browser.get(f"{PATH}?q={CLERK}"))
    assert browser.get(f"{PATH}?after=1006~x").status_code == 422
    said = words_of(browser.get(f"{PATH}?after=1007@personnel-officer"))
    assert f"({CLERK})" in said
    assert f"({PERSONNEL}) deputy" not in said


def test_the_table_shows_words_for_posts_and_grades_and_finds_any_part_of_a_name(closed: Pages) -> None:
    with closed.play.uow.write() as tx:
        tx.run(text("UPDATE post SET name_en = 'Clerical work', name_zh = '文秘' WHERE code = 'clerical'"))
    browser = closed.browser(PRESIDENT)
    said = words_of(browser.get(PATH))
    assert f"Person {CLERK} ({CLERK}) Clerical work closed (" in said
    assert " Excellent " in said
    assert " excellent " not in said
    found = words_of(browser.get(f"{PATH}?q=erson+{CLERK[:3]}"))
    assert f"Person {CLERK} ({CLERK})" in found
    browser.post("/language", {"language": "zh"})
    said = words_of(browser.get(PATH))
    assert " 文秘 " in said
    assert " 优秀 " in said
