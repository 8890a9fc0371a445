"""People and units: found by number, name and initials, and changed with everything that follows shown first."""

from urllib.parse import urlencode

import pytest

from models.initials import initials
from services import organisation_import, people_search, person_card
from services.actors import SYSTEM
from services.name_search import LOOKED
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, noon
from tests.services.counting import sent
from tests.web.browsing import Pages, words_of


@pytest.mark.parametrize(
    ("name", "found"),
    [("王小明", "wxm"), ("Ann Lee", "al"), ("吕 Bob", "lb"), ("O'Neil", "o"), ("", ""), ("李-2", "l")],
)
def test_initials_are_those_people_type(name: str, found: str) -> None:
    assert initials(name)[: len(found) or 1] == found


def chinese(pages: Pages) -> None:
    data = "number,name,post,unit,from\n2001,王小明,clerical,office,2026-01-01\n".encode()
    organisation_import.apply(pages.play.uow, actor=SYSTEM, now=noon(4, 1), data=data, where="people.csv")


def test_somebody_is_found_by_number_name_and_initials(pages: Pages) -> None:
    chinese(pages)
    browser = pages.browser(ESCORT)
    for typed in (
        "2001",
        "200",
        "王",
        "wxm",
        "WX",
        "小",
        "明",
        "小明",
        "xm",
        "wangxiaoming",
        "Wang Xiao",
        "xiaom",
        "ming",
    ):
        said = words_of(browser.get(f"/people?q={typed}"))
        assert "王小明 (2001)" in said, typed
        assert f"({DIRECTOR}) " not in said
    assert "Nobody is found." in words_of(browser.get("/people?q=%25"))


@pytest.mark.parametrize("typed", ["iao", "wangming", "wm", "angx", "x1", "%", "小王"])
def test_what_stands_in_no_name_finds_nobody(pages: Pages, typed: str) -> None:
    chinese(pages)
    assert "王小明" not in words_of(pages.browser(ESCORT).get(f"/people?{urlencode({'q': typed})}"))


def test_a_search_looks_through_no_more_than_it_says_and_goes_on(pages: Pages) -> None:
    many = "".join(f"4{n:04},Extra {n},clerical,office,2026-01-01\n" for n in range(LOOKED + 60))
    late = "9001,李王明,clerical,office,2026-01-01\n9002,王后,clerical,office,2026-01-01\n"
    data = f"number,name,post,unit,from\n{many}{late}".encode()
    play = pages.play
    organisation_import.apply(play.uow, actor=SYSTEM, now=noon(4, 1), data=data, where="people.csv")
    asked = {"actor": play.office.actor(CLERK), "now": noon(4, 1)}
    with sent(play.uow.engine) as statements:
        first = people_search.find(play.uow, **asked, words="王")
    assert len(statements) <= 7, statements
    assert [one.number for one in first.people] == ["9002"]
    second = people_search.find(play.uow, **asked, words="王", after=first.after or "")
    assert [one.number for one in second.people] == ["9001"]
    assert second.after is None
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = people_search.find(play.uow, **asked, words="xtra", after=after)
        seen += [one.number for one in page.people]
        assert len(page.people) <= people_search.PAGE
        after = page.after
    assert len(seen) == len(set(seen)) == LOOKED + 60
    nobody = pages.browser(CLERK).get("/people?q=zz")
    assert "Nobody so far: there are more people than one page looks through. Look further" in words_of(nobody)


def test_the_list_goes_on_page_by_page_in_few_statements(pages: Pages) -> None:
    lines = "".join(f"3{n:03},Extra {n},clerical,office,2026-01-01\n" for n in range(70))
    data = f"number,name,post,unit,from\n{lines}".encode()
    play = pages.play
    organisation_import.apply(play.uow, actor=SYSTEM, now=noon(4, 1), data=data, where="people.csv")
    asked = {"actor": play.office.actor(CLERK), "now": noon(4, 1)}
    with sent(play.uow.engine) as statements:
        first = people_search.find(play.uow, **asked)
    assert len(statements) <= 6, statements
    assert len(first.people) == 50
    second = people_search.find(play.uow, **asked, after=first.after or "")
    assert len(second.people) == 29
    assert second.after is None
    with sent(play.uow.engine) as statements:
        person_card.card(play.uow, actor=play.office.actor(OFFICER), now=noon(4, 1), number=CLERK)
    assert len(statements) <= 8, statements


def test_addresses_powers_and_days_away_are_for_hr_and_oneself(pages: Pages) -> None:
    other = words_of(pages.browser(ESCORT).get(f"/people/{OFFICER}"))
    assert "example.org" not in other
    assert "Days away" not in other
    assert "This person changed" not in other
    assert "HR officer" in words_of(pages.browser(OFFICER).get(f"/people/{OFFICER}"))
    assert pages.browser(ESCORT).get("/people/9999").status_code == 404


def test_what_would_follow_is_shown_and_only_then_done(pages: Pages) -> None:
    pages.play.bring("scoring")
    browser = pages.browser(OFFICER)
    path = f"/people/{DIRECTOR}"
    asked = {"what": "absent", "first": "2026-04-01", "last": "2026-09-01", "protected": "yes", "reason": "Not told."}
    shown = browser.send(browser.get(f"/people/{ESCORT}"), f"/people/{ESCORT}/change", **asked)
    assert shown.status_code == 200, words_of(shown)
    said = words_of(shown)
    assert "What would follow" in said
    assert pages.play.rows("SELECT 1 FROM absence") == []
    done = browser.send(shown, f"/people/{ESCORT}/change", agreed="yes")
    assert done.headers["location"] == f"/people/{ESCORT}?done=absent"
    page = browser.get(done.headers["location"])
    assert "under protection" in words_of(page)
    assert "Not told." not in page.text
    assert browser.get(path).status_code == 200


def test_a_change_of_oneself_and_a_bad_day_are_refused_with_what_was_typed(pages: Pages) -> None:
    browser = pages.browser(OFFICER)
    page = browser.get(f"/people/{CLERK}")
    bad = browser.send(page, f"/people/{CLERK}/change", what="left", first="soon")
    assert bad.status_code == 422
    assert 'value="soon"' in bad.text
    assert "This person changed" not in words_of(browser.get(f"/people/{OFFICER}"))
    own = browser.send(page, f"/people/{CLERK}/change", what="moved", first="2026-04-02", post="nothing", unit="office")
    assert own.status_code in {403, 404, 422}
    assert PERSONNEL in words_of(own)
