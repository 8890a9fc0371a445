"""Files by the pages: beside documents, findings, answers and decisions; all of an act or nothing of it."""

import hashlib
import json

import pytest

from services.file_kinds import LARGEST
from services.file_writing import MOST
from services.verification import verify
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, QUARTER, noon
from tests.services.closing import vouch
from tests.services.counting import sent
from tests.services.playing import ANSWERED, APPROVED, SUBMITTED
from tests.web.browsing import PASSWORD, Browser, Pages, words_of
from web.forms import MOST_FILES

PDF = b"%PDF-1.7 the log of inspections"
PATH = f"/appraisals/{QUARTER}/{CLERK}"
CODE = f"{PATH}@clerical"
SHA256 = hashlib.sha256(PDF).hexdigest()


def kept(pages: Pages) -> list[tuple[str, str]]:
    rows = pages.play.rows("SELECT owner_kind, name FROM attachment ORDER BY id")
    return [(row.owner_kind, row.name) for row in rows]


def stating(browser: Browser, *files: tuple[str, bytes], **values: str) -> str:
    """Send the person's own statement with files; return where it leads, or what is said."""
    answer = browser.send_files(browser.get(PATH), f"{CODE}/state", *files, **values)
    return answer.headers.get("location") or words_of(answer)


def test_an_answer_keeps_its_files_and_shows_them_to_who_may_read_it(pages: Pages) -> None:
    own = pages.browser(CLERK)
    page = own.get(PATH)
    assert f"Up to {MOST} files of 10 MB each, 20 MB together: .pdf, .png, .jpg" in words_of(page)
    assert stating(own, ("日志.pdf", PDF), ("two.txt", b"words"), comment="My quarter.") == f"{CODE}?done=state"
    said = words_of(pages.browser(PERSONNEL).get(PATH))
    assert f"日志.pdf 1 kB · 2026-04-01 12:00 Check number (SHA-256) {SHA256}" in said
    assert "two.txt" in said
    assert own.client.get("/files/1").content == PDF
    assert pages.browser(ESCORT).get("/files/1").status_code == 404
    events = pages.play.rows("SELECT payload FROM event WHERE kind = 'file.attached' ORDER BY seq")
    assert json.loads(events[0].payload)["sha256"] == SHA256
    vouch(pages.play.uow)
    assert verify(pages.play.uow).faults == ()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.pdf", b"MZ\x90\x00 a program", "log.pdf is not what its name says: inside it is no .pdf file."),
        ("log.pdf", b"<html><script>alert(1)</script>", "log.pdf is not what its name says"),
        ("a.svg", b"<svg/>", "Files of this kind are not taken; send one of .pdf"),
        ("a.pdf", b"", "a.pdf is empty; send the file itself."),
        ("a.pdf", PDF + b"x" * LARGEST, "a.pdf is too large; at most 10 MB are taken."),
        ("a\u202efdp.pdf", PDF, "The name of a file has at most 150 characters, all of them to be seen"),
    ],
)
def test_a_file_that_is_not_taken_is_told_beside_its_field_and_nothing_is_done(
    pages: Pages, name: str, content: bytes, said: str
) -> None:
    own = pages.browser(CLERK)
    files = [("good.pdf", PDF), (name, content)]
    answer = own.send_files(own.get(PATH), f"{CODE}/state", *files, comment="A long text of mine.")
    assert answer.status_code in {413, 422}
    assert f'id="ue-state">{said}' in answer.text.replace("&#39;", "'")
    assert "A long text of mine." in answer.text
    assert "Nothing was sent: choose the files once more." in words_of(answer)
    assert pages.play.moves(CLERK) == []
    assert kept(pages) == []


def test_many_files_and_many_parts_are_refused(pages: Pages) -> None:
    own = pages.browser(CLERK)
    many = [(f"{number}.pdf", PDF) for number in range(MOST + 1)]
    assert f"At most {MOST} files are taken at once" in stating(own, *many, comment="Kept words.")
    assert "Kept words." in own.last.text if own.last is not None else False
    more = [(f"{number}.pdf", PDF) for number in range(MOST_FILES + 1)]
    assert "Too many files" in stating(own, *more)
    fields = {f"field-{number}": "x" for number in range(4001)}
    answer = own.client.post(f"{CODE}/state", data=fields, files=[("file", ("a.pdf", PDF))])
    assert answer.status_code == 422
    assert "Too many fields" in words_of(answer)
    assert (pages.play.moves(CLERK), kept(pages)) == ([], [])


def test_a_request_that_is_too_large_as_a_whole_says_how_to_go_on(pages: Pages) -> None:
    own = pages.browser(CLERK)
    answer = own.send_files(own.get(PATH), f"{CODE}/state", *[(f"{n}.pdf", PDF + b"x" * LARGEST) for n in range(2)])
    assert answer.status_code == 413
    assert "at most 20 MB are taken. Go back in your browser: what you typed is still there." in answer.text
    assert pages.play.moves(CLERK) == []


def test_an_act_that_is_refused_keeps_no_file_and_twice_is_once(pages: Pages) -> None:
    pages.play.bring("signoff")
    own = pages.browser(CLERK)
    page = own.get(PATH)
    wrong = own.send_files(page, f"{CODE}/accept", ("a.pdf", PDF), password="not mine at all")
    assert wrong.status_code == 403
    assert kept(pages) == []
    statuses = [own.send_files(page, f"{CODE}/accept", ("a.pdf", PDF), password=PASSWORD).status_code for _ in range(2)]
    assert statuses[0] == 303
    assert statuses[1] in {403, 409}
    assert kept(pages) == [("move", "a.pdf")]


def test_a_decision_keeps_its_files_which_are_released_with_it(pages: Pages) -> None:
    pages.play.bring("review")
    judge = pages.browser(DIRECTOR)
    path = f"/review/{QUARTER}/{CLERK}@clerical"
    answer = judge.send_files(
        judge.get(path), f"{path}/return", ("grounds.pdf", PDF), ("b.exe", b"MZ"), comment="Look again."
    )
    assert "Files of this kind are not taken" in words_of(answer)
    assert "Look again." in answer.text
    answer = judge.send_files(judge.get(path), f"{path}/return", ("grounds.pdf", PDF), comment="Look again.")
    assert answer.status_code == 303, words_of(answer)
    assert "grounds.pdf" in words_of(pages.browser(PERSONNEL).get(PATH))
    own = pages.browser(CLERK)
    assert "grounds.pdf" not in own.get(PATH).text
    assert own.get("/files/1").status_code == 404
    pages.play.act(PERSONNEL, "submit", at=SUBMITTED)
    pages.play.act(DIRECTOR, "approve", at=APPROVED)
    pages.clock.set(ANSWERED)
    assert "grounds.pdf" in words_of(own.get(PATH))


def test_both_sides_of_an_appeal_have_their_files(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    pages.play.bring("signoff")
    own = pages.browser(CLERK)
    answer = own.send_files(own.get(PATH), f"{CODE}/object", ("mine.pdf", PDF), comment="Not so.", line=line)
    assert answer.status_code == 303, words_of(answer)
    (row,) = pages.play.rows(
        "SELECT person.number FROM work_item JOIN person ON person.id = work_item.holder_id"
        " WHERE work_item.closed_at IS NULL AND work_item.stage = 'appeal'"
    )
    decider = pages.browser(str(row.number))
    path = f"/appeals/{QUARTER}/{CLERK}@clerical"
    page = decider.get(path)
    assert "mine.pdf" in words_of(page)
    decided = {f"decision_{line}": "strike", "comment": "He was elsewhere."}
    answer = decider.send_files(page, f"{path}/decide", ("minutes.pdf", PDF), **decided)
    assert answer.status_code == 303, words_of(answer)
    assert kept(pages) == [("move", "mine.pdf"), ("move", "minutes.pdf")]
    assert "minutes.pdf" in words_of(own.get(PATH))


def test_a_person_puts_his_side_and_files_beside_a_finding_while_the_days_last(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    own = pages.browser(CLERK)
    page = own.get(PATH)
    assert "Your assessor is told. Possible until 2026-04-" in words_of(page)
    to = f"/findings/{line}/reply"
    wrong = own.send_files(page, to, ("a.pdf", b"no"), text="I was elsewhere.")
    assert "a.pdf is not what its name says" in words_of(wrong)
    assert "I was elsewhere." in wrong.text
    answers = [own.send_files(page, to, ("a.pdf", PDF), text="I was elsewhere.") for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == [f"{CODE}?done=reply#{line}"] * 2
    assert kept(pages) == [("finding", "a.pdf")]
    assert len(pages.play.rows("SELECT 1 FROM reply")) == 1
    said = words_of(own.get(f"{CODE}?done=reply"))
    assert "Your side stands beside the finding; your assessor is told." in said
    assert "My side I was elsewhere." in said
    assert "Write your side" not in words_of(pages.browser(PERSONNEL).get(PATH))
    assert pages.browser(ESCORT).send_files(page, to, text="x").status_code in {403, 404}
    pages.clock.set(noon(4, 27))
    assert "Write your side" not in words_of(pages.browser(CLERK).get(PATH))


def test_a_document_has_files_from_the_start_and_later(pages: Pages) -> None:
    office = pages.browser(OFFICER)
    typed = {"kind": "circular", "number": "2026-14", "day": "2026-02-10", "issuer": "Superior bank"}
    wrong = office.send_files(office.get("/record"), "/record/documents", ("scan.pdf", b"abc"), **typed)
    assert "scan.pdf is not what its name says" in words_of(wrong)
    assert 'value="2026-14"' in wrong.text
    assert pages.play.rows("SELECT 1 FROM document") == []
    answer = office.send_files(office.get("/record"), "/record/documents", ("scan.pdf", PDF), **typed)
    page = office.get(answer.headers["location"])
    assert f"scan.pdf 1 kB · 2026-04-01 12:00 Check number (SHA-256) {SHA256}" in words_of(page)
    assert "Choose a file first." in words_of(office.send_files(page, "/documents/D1/files"))
    two = office.send_files(page, "/documents/D1/files", ("b.pdf", PDF), ("c.txt", b"more"))
    assert "2 files are kept beside it." in words_of(office.get(two.headers["location"]))
    full = office.send_files(page, "/documents/D1/files", *[(f"{n}.txt", b"x") for n in range(MOST - 2)])
    assert "D1 has 10 files at most" in words_of(full)
    assert len(kept(pages)) == 3
    judge = pages.browser(PERSONNEL)
    page = judge.get("/record/link?document=D1")
    assert "scan.pdf" in words_of(page)
    assert "Add files to this document" not in words_of(page)
    token = judge.forms(page)[-1][1]["form-token"][0]
    sent_anyway = judge.client.post("/documents/D1/files", data={"form-token": token}, files=[("file", ("d.pdf", PDF))])
    assert sent_anyway.status_code == 403
    assert pages.browser(ESCORT).get("/files/1").status_code == 404


def test_an_own_check_rests_on_a_document_or_on_files(pages: Pages) -> None:
    code = pages.play.document("2026-3", "circular")
    judge = pages.browser(PERSONNEL)
    page = judge.get("/record")
    typed = {"clause": f"{CLERK}@clerical|C3.1", "happened": "2026-02-03", "amount": "4", "reason": "An empty log."}
    wrong = judge.send_files(page, "/record/check", ("a.pdf", b"no"), **typed, document=code)
    assert "An empty log." in wrong.text
    assert f'value="{code}" selected' in wrong.text
    assert judge.send_files(page, "/record/check", ("photo.png", b"\x89PNG\r\n\x1a\n"), **typed).status_code == 303
    assert kept(pages) == [("finding", "photo.png")]
    said = words_of(pages.browser(CLERK).get(PATH))
    assert "photo.png" in said
    typed["happened"] = "2026-02-04"
    assert judge.send(page, "/record/check", **typed, document=code).status_code == 303
    (row,) = pages.play.rows("SELECT document_id FROM finding WHERE document_id IS NOT NULL")
    assert f"D{row.document_id}" == code


def test_a_finding_of_the_sheet_has_files(pages: Pages) -> None:
    pages.play.bring("scoring")
    judge = pages.browser(PERSONNEL)
    path = f"/scoring/{QUARTER}/{CLERK}@clerical"
    page = judge.get(path)
    forms = [fields for to, fields in judge.forms(page) if to == f"{path}/record" and fields.get("rule") == ["C3.1"]]
    typed = {**forms[0], "happened": "2026-02-03", "amount": "4", "reason": "An empty log."}
    del typed["file"]
    answer = judge.client.post(f"{path}/record", data=typed, files=[("file", ("log.pdf", PDF))])
    assert answer.status_code == 303, words_of(answer)
    assert "log.pdf" in words_of(judge.get(path))
    assert kept(pages) == [("finding", "log.pdf")]


def test_files_take_no_statement_more_however_many_there_are(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    own, counts = pages.browser(CLERK), []
    for place in range(3):
        own.send_files(
            own.get(PATH), f"/findings/{line}/reply", *[(f"{place}{n}.txt", b"x") for n in range(3)], text="x"
        )
        with sent(pages.play.uow.engine) as statements:
            own.get(PATH)
        counts.append(len(statements))
    assert len(set(counts)) == 1, counts
