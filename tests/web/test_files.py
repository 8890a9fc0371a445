"""Files: taken by what they are, seen with what they belong to, given back to be saved, vouched for by the record."""

import hashlib
import io
import json
import zipfile

import pytest

from services import attachments, file_kinds
from services.errors import Environment, Malformed
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, QUARTER, noon
from tests.services.closing import vouch
from tests.services.playing import ANSWERED, APPROVED, SUBMITTED
from tests.web.browsing import Pages
from tests.web.programs import API, Program

PDF = b"%PDF-1.7 the log of inspections"
MOVES = f"/appraisals/{QUARTER}/{CLERK}/moves"


def packed(*names: str) -> bytes:
    """Return a zip file with these names in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


def send(program: Program, path: str, name: str = "log.pdf", content: bytes = PDF, **headers: str) -> int:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return program.client.post(f"{API}{path}/files", files={"file": (name, content)}, headers=named).status_code


def names(program: Program, path: str) -> list[str]:
    answer = program.get(f"{path}/files")
    return [row["name"] for row in answer.json()["items"]] if answer.status_code == 200 else [str(answer.status_code)]


@pytest.mark.parametrize(
    ("name", "content", "media"),
    [
        ("log.pdf", PDF, "application/pdf"),
        ("a.PNG", b"\x89PNG\r\n\x1a\n...", "image/png"),
        ("a.jpeg", b"\xff\xd8\xff...", "image/jpeg"),
        ("a.docx", packed("[Content_Types].xml", "word/document.xml"), file_kinds._WORD),
        ("日志.xlsx", packed("[Content_Types].xml", "xl/workbook.xml"), file_kinds._SHEET),
        ("a.txt", "检查记录\r\n".encode(), "text/plain; charset=utf-8"),
        ("a.csv", b"\xef\xbb\xbfa,b\n", "text/csv; charset=utf-8"),
    ],
)
def test_a_file_is_taken_for_what_it_is(name: str, content: bytes, media: str) -> None:
    assert file_kinds.media_of(name, content) == media


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("log.pdf", b"MZ\x90\x00 a program", "other-file-kind"),
        ("log.pdf", b"<html><script>alert(1)</script>", "other-file-kind"),
        ("photo.png", PDF, "other-file-kind"),
        ("a.xlsx", packed("[Content_Types].xml", "word/document.xml"), "other-file-kind"),
        ("a.docx", packed("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "other-file-kind"),
        ("a.docx", b"PK\x03\x04 and then nothing", "other-file-kind"),
        ("a.txt", b"\x00\x01", "other-file-kind"),
        ("a.txt", "\u202egnp".encode(), "other-file-kind"),
        ("a.svg", b"<svg/>", "bad-file-kind"),
        ("a.html", b"<p>", "bad-file-kind"),
        ("a.pdf.exe", PDF, "bad-file-kind"),
        ("pdf", PDF, "bad-file-kind"),
        ("a.pdf", b"", "empty-file"),
        ("a.pdf", PDF + b"x" * file_kinds.LARGEST, "too-large"),
        ("../a.pdf", PDF, "bad-file-name"),
        ("a\\b.pdf", PDF, "bad-file-name"),
        ("a\u202efdp.pdf", PDF, "bad-file-name"),
        ("a\r\nb.pdf", PDF, "bad-file-name"),
        ("x" * 150 + ".pdf", PDF, "bad-file-name"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(name: str, content: bytes, code: str) -> None:
    with pytest.raises(Malformed) as told:
        file_kinds.media_of(name, content)
    assert told.value.code == code
    assert told.value.sentence.endswith(".")


def test_a_file_of_a_finding_is_seen_by_who_sees_the_finding(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    judge, own, stranger = Program(pages, PERSONNEL), Program(pages, CLERK), Program(pages, ESCORT)
    path = f"/findings/{line}"
    assert send(judge, path) == 201
    assert send(own, path, "mine.txt", b"I was at the branch.") == 201
    assert send(stranger, path) == 404
    assert send(Program(pages, OFFICER), path) == 403
    assert names(own, path) == names(Program(pages, DIRECTOR), path) == ["log.pdf", "mine.txt"]
    assert names(stranger, path) == ["404"]
    assert own.client.get(f"{API}/files/1").content == PDF
    assert stranger.get("/files/1").status_code == stranger.get("/files/99").status_code == 404
    assert stranger.get("/files/1").json()["detail"] == "There is no file 1, or it is not yours to see."


def test_a_file_is_served_to_be_saved_and_never_opened(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    own = Program(pages, CLERK)
    assert send(own, f"/findings/{line}", "日志 1.txt", b"<script>alert(1)</script>") == 201
    browser = pages.browser(CLERK)
    for answer in (own.client.get(f"{API}/files/1"), browser.get("/files/1")):
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%E6%97%A5%E5%BF%97%201.txt"
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert pages.browser(ESCORT).get("/files/1").status_code == 404
    assert pages.browser().get("/files/1").status_code == 303


def test_a_file_of_a_document_and_of_a_move(pages: Pages) -> None:
    code = pages.play.document("2026-3", "circular")
    assert send(Program(pages, OFFICER), f"/documents/{code}") == 201
    assert send(Program(pages, PERSONNEL), f"/documents/{code}") == 403
    assert send(Program(pages, ESCORT), f"/documents/{code}") == 404
    own, judge = Program(pages, CLERK), Program(pages, PERSONNEL)
    pages.play.act(CLERK, "state", reason="My quarter.", at=noon(4, 1))
    assert send(judge, f"{MOVES}/1") == 403
    assert send(own, f"{MOVES}/1", "mine.pdf") == 201
    pages.play.act(PERSONNEL, "submit", at=SUBMITTED)
    assert send(own, f"{MOVES}/1") == 403
    assert send(judge, f"{MOVES}/2", "grounds.pdf") == 201
    assert names(judge, f"{MOVES}/1") == ["mine.pdf"]
    assert names(own, f"{MOVES}/2") == ["404"]
    pages.play.act(DIRECTOR, "approve", at=APPROVED)
    pages.clock.set(ANSWERED)
    assert names(own, f"{MOVES}/2") == ["grounds.pdf"]
    assert send(own, f"{MOVES}/9") == 404


def test_the_record_has_the_digest_and_notices_other_bytes(pages: Pages) -> None:
    play = pages.play
    line = play.deduct("C3.1", 4)
    judge = Program(pages, PERSONNEL)
    assert [send(judge, f"/findings/{line}", Idempotency_Key="k") for _ in range(2)] == [201, 201]
    assert len(names(judge, f"/findings/{line}")) == 1
    (row,) = play.rows("SELECT payload FROM event WHERE kind = 'file.attached'")
    assert json.loads(row.payload)["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert "log.pdf" not in row.payload
    vouch(play.uow)
    from services.verification import verify

    assert verify(play.uow).faults == ()
    content = attachments.CONTENT_TABLE
    with play.uow.engine.connect() as raw:
        assert raw.execute(content.select()).one().content == PDF


def test_a_thing_has_ten_files_at_most(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    judge = Program(pages, PERSONNEL)
    statuses = [send(judge, f"/findings/{line}", f"{number}.pdf") for number in range(11)]
    assert statuses == [201] * 10 + [403]


def test_bytes_that_are_gone_are_a_fault_in_a_sentence(pages: Pages) -> None:
    line = pages.play.deduct("C3.1", 4)
    play = pages.play
    made = attachments.attach(play.uow, actor=play.who(PERSONNEL), now=noon(4, 1), item=line, name="a.pdf", content=PDF)
    row = {"owner_kind": "finding", "owner_id": int(line[1:]), "name": "b.pdf", "media": made.media, "size": 1}
    lost = {"sha256": "0" * 64, "added_by": 1, "on_behalf_of": None, "added_at": noon(4, 1)}
    with play.uow.write() as tx:
        number = tx.insert(attachments.ATTACHMENT, row | lost)
    with pytest.raises(Environment, match="are not those that were attached"):
        attachments.read(play.uow, actor=play.who(PERSONNEL), now=noon(4, 1), item=number)
