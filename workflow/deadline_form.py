"""What is wrong with the deadline of a stage as its file says it: each problem with its key and its mend."""

from collections.abc import Iterator

from workflow.errors import Problem
from workflow.form import StageForm
from workflow.vocabulary import CountedFrom, Missed, PassTo


def deadline_problems(where: str, stage: StageForm) -> Iterator[Problem]:
    """Yield what cannot be meant by the deadline of a stage, or by what happens when it is missed."""
    if stage.days is not None and stage.on is not None:
        yield Problem(f"{where}.on", "days and on are two first terms.", "Keep one, or make it or-later or or-earlier.")
    if stage.or_later and stage.or_earlier:
        yield Problem(f"{where}.or-earlier", "or-later and or-earlier exclude each other.", "Keep one of them.")
    other = stage.or_later or stage.or_earlier
    key = f"{where}.{'or-later' if stage.or_later else 'or-earlier'}"
    if other is not None and not stage.ends:
        yield Problem(key, "a second term needs a first one.", "Add days or on to the stage.")
    if not stage.ends and stage.at is not None:
        yield Problem(f"{where}.at", "a time of day needs a day.", "Add days or on to the stage.")
    if other is not None and other.days is not None:
        noticed = stage.counted_from is CountedFrom.PROVEN_NOTICE
        if other.counted_from is CountedFrom.PROVEN_NOTICE:
            yield Problem(f"{key}.counted-from", "only the first term counts from proven notice.", "Swap the terms.")
        elif noticed and other.counted_from is CountedFrom.OPENING:
            yield Problem(
                f"{key}.counted-from",
                "the window of this stage begins with proven notice and not when it is entered.",
                f"Choose {CountedFrom.CYCLE_OPENING} or {CountedFrom.PERIOD_END}, or a day.",
            )
    if stage.on is not None and stage.counted_from is CountedFrom.PROVEN_NOTICE:
        yield Problem(f"{where}.counted-from", "a day is not counted from anything.", "Remove it, or use days.")
    yield from _passing(where, stage)


def _passing(where: str, stage: StageForm) -> Iterator[Problem]:
    if stage.pass_to and stage.missed not in {Missed.ESCALATE, Missed.DELEGATE}:
        yield Problem(f"{where}.pass-to", f"missed = '{stage.missed}' passes nothing on.", "Remove pass-to.")
    if PassTo.HR in stage.pass_to[:-1]:
        yield Problem(f"{where}.pass-to", "what lies with HR goes no further by itself.", "Make 'hr' the last step.")
    if stage.missed is Missed.DELEGATE and stage.substitute is None:
        yield Problem(f"{where}.substitute", "missed = 'delegate' names nobody.", "Name the substitute's position.")
    if stage.substitute and stage.missed is not Missed.DELEGATE and PassTo.SUBSTITUTE not in stage.pass_to:
        yield Problem(f"{where}.substitute", "nothing passes the part to the substitute.", "Write missed = 'delegate'.")
    if PassTo.SUBSTITUTE in stage.pass_to and stage.substitute is None:
        yield Problem(f"{where}.pass-to", "the step 'substitute' names nobody.", "Add substitute to the stage.")
