"""What a rule admits into the ledger (readings 4, 5, 8, 10, 13): nothing outside a range, a period or an assignment."""

import datetime as dt
from fractions import Fraction

from scoring.errors import FindingRefused, LedgerError
from scoring.ledger import Finding, Ledger, Revision
from scoring.numbers import to_decimal
from scoring.plan import PostPlan, RulePlan, plan_for
from scoring.rubric import Rubric


def admit(rubric: Rubric, post_id: str, ledger: Ledger, finding: Finding) -> Fraction:
    """Return the points a finding takes or gives as recorded, or raise FindingRefused with the reason and the mend.

    Raises UnknownName for a post the rubric does not have.
    """
    return admit_to(plan_for(rubric, post_id), ledger, finding)


def check_findings(rubric: Rubric, post_id: str, ledger: Ledger) -> None:
    """Check everything in the ledger as `score` does. Raises FindingRefused or LedgerError at the first refusal."""
    plan = plan_for(rubric, post_id)
    check_ledger(plan, ledger)
    for finding in ledger.findings:
        if not finding.voided:
            admit_to(plan, ledger, finding)


def check_ledger(plan: PostPlan, ledger: Ledger) -> None:
    """Check what is no finding: the post, ids, duty records, revisions of derived deductions."""
    if ledger.post is not None and ledger.post != plan.post.id:
        sentence = f"This ledger is of the post {ledger.post}, not of {plan.post.id}; score it under its own post."
        raise LedgerError(sentence, code="other-post", where="post")
    ids = {finding.id for finding in ledger.findings}
    if len(ids) < len(ledger.findings):
        twice = next(f.id for f in ledger.findings if sum(g.id == f.id for g in ledger.findings) > 1)
        raise LedgerError(f"Two findings have the id {twice}; give each its own.", code="duplicate-id", where=twice)
    for record in ledger.duties:
        rule = plan.rules.get(record.rule)
        if rule is None or rule.rule.duty is None:
            sentence = f"{record.rule} is no scheduled duty of {plan.post.id}; correct the rule of the duty record."
            raise FindingRefused(sentence, code="unknown-duty", where=f"{record.rule}:{record.month}")
    for (rule_id, month), revision in ledger.duty_revisions.items():
        rule = plan.rules.get(rule_id)
        line = f"{rule_id}:{month}"
        if rule is None or rule.rule.duty is None or rule.rule.amount is None:
            raise FindingRefused(f"{line} is no derived deduction; correct the line.", code="unknown-line", where=line)
        check_revision(plan, rule, line, rule.rule.amount, revision)


def admit_to(plan: PostPlan, ledger: Ledger, finding: Finding) -> Fraction:
    """Do what `admit` does, with the post already worked out."""
    rule = plan.rules.get(finding.rule)
    if rule is None:
        raise _unknown_rule(plan, finding)
    if rule.rule.duty is not None:
        raise _refused(
            finding, "derived", "follows from the duty records, so nobody records it; record the duty instead"
        )
    _check_days(plan, ledger, finding)
    _check_words(plan, rule, finding)
    amount = _amount(rule, finding)
    if finding.revision is not None:
        check_revision(plan, rule, finding.id, amount, finding.revision, units=finding.units)
    return amount


def _unknown_rule(plan: PostPlan, finding: Finding) -> FindingRefused:
    other = plan.elsewhere.get(finding.rule)
    if other is not None:
        return _refused(finding, "other-post", f"is a rule of {other}; the post here is {plan.post.id}")
    return _refused(finding, "unknown-rule", f"is no rule of {plan.post.id}; it has {', '.join(plan.rules) or 'none'}")


def _check_days(plan: PostPlan, ledger: Ledger, finding: Finding) -> None:
    happened, first = finding.happened, ledger.period_from
    if finding.known < happened:
        raise _refused(finding, "known-before-happened", f"became known on {finding.known}, before it happened")
    if happened > ledger.period_to:
        raise _refused(finding, "after-period", f"happened on {happened}, after the period; record it in its own")
    if ledger.assignment_from is not None and happened < ledger.assignment_from:
        raise _refused(finding, "before-assignment", f"happened on {happened}, before the assignment began")
    if ledger.assignment_to is not None and happened > ledger.assignment_to:
        raise _refused(finding, "after-assignment", f"happened on {happened}, after the assignment ended")
    if happened < first and plan.rubric.settings.late_discovery == "refuse":
        raise _refused(
            finding, "before-period", f"happened on {happened}, before the period; late discovery is refused"
        )
    if not first <= finding.counted(first) <= ledger.period_to:
        raise _refused(finding, "not-this-period", f"counts on {finding.counted(first)}, outside the period")


def _check_words(plan: PostPlan, rule: RulePlan, finding: Finding) -> None:
    settings = plan.rubric.settings
    if rule.rule.kind == "range" and settings.range_reason == "required" and not finding.reason:
        raise _refused(finding, "reason-missing", "is a range, and a value picked from one needs a reason; give one")
    if rule.rule.recurrence.kind == "once-per-key" and not finding.key:
        kinds = ", ".join(rule.rule.recurrence.keys) or "document"
        raise _refused(finding, "key-missing", f"counts once per {kinds}; name it as the key")
    known = {reason.id for reason in rule.rule.sub_reasons}
    for name in finding.sub_reasons:
        if name not in known:
            raise _refused(finding, "sub-reason-unknown", f"has no sub-reason {name}; it has {sorted(known)}")
    if known and not finding.sub_reasons and settings.sub_reasons == "required":
        raise _refused(finding, "sub-reason-missing", f"needs a sub-reason; tick one of {sorted(known)}")


def _amount(rule: RulePlan, finding: Finding) -> Fraction:
    given, own = finding.amount, rule.rule
    if finding.units is not None and own.kind != "per-unit":
        raise _refused(finding, "units-unexpected", "is not counted in units; leave them out")
    if own.kind == "range":
        if given is None:
            raise _refused(finding, "amount-missing", f"{_range(rule)}; pick a value")
        _check_range(rule, finding.id, given)
        return given
    amount = own.amount or Fraction(0)
    if own.kind == "per-unit":
        amount *= _units(rule, finding)
    if given is not None and given != amount:
        takes = f"{'gives' if own.award else 'takes'} {to_decimal(amount)} points here"
        raise _refused(finding, "amount-differs", f"{takes}, not {to_decimal(given)}; leave the amount out")
    return amount


def _units(rule: RulePlan, finding: Finding) -> Fraction:
    units, most = finding.units, rule.rule.max_units
    if units is None or units <= 0:
        raise _refused(finding, "units-missing", f"is counted by {rule.rule.unit}; say how many, above 0")
    if not _on_step(units, rule.step):
        raise _refused(finding, "off-step", f"is counted in steps of {to_decimal(rule.step)} {rule.rule.unit}")
    if most is not None and units > most:
        raise _refused(finding, "too-many-units", f"counts at most {to_decimal(most)} {rule.rule.unit} in one finding")
    return units


def _on_step(amount: Fraction, step: Fraction) -> bool:
    return amount.denominator == 1 if step == 1 else (amount / step).denominator == 1


def _check_range(rule: RulePlan, where: str, amount: Fraction) -> None:
    low, high = rule.rule.min, rule.rule.max
    if low is not None and high is not None and not low <= amount <= high:
        sentence = f"{where}: {rule.rule.id} {_range(rule)}; {to_decimal(amount)} is outside. Pick a value within."
        raise FindingRefused(sentence, code="out-of-range", where=where)
    if not _on_step(amount, rule.step):
        steps = f"goes in steps of {to_decimal(rule.step)}"
        sentence = f"{where}: {rule.rule.id} {steps}; {to_decimal(amount)} is between two. Pick one of them."
        raise FindingRefused(sentence, code="off-step", where=where)


def check_revision(
    plan: PostPlan, rule: RulePlan, where: str, original: Fraction, revision: Revision, *, units: Fraction | None = None
) -> None:
    """Check the decisions about one line, in their order (readings 8 and 13). Raises FindingRefused."""
    before = original
    for step in revision.chain():
        if step.amount is not None:
            if step.amount <= 0:
                sentence = f"{where}: an amount is above 0; strike the line to take it away."
                raise FindingRefused(sentence, code="revision-not-positive", where=where)
            if step.kind == "lower":
                _check_lower(plan, rule, where, before, step.amount)
            if step.kind == "change" or plan.rubric.settings.appeal_lower == "within-rule":
                _check_within(rule, where, step.amount, units)
        before = step.in_force(original)


def _check_lower(plan: PostPlan, rule: RulePlan, where: str, before: Fraction, amount: Fraction) -> None:
    if amount > before:
        sentence = f"{where}: an appeal may not raise {to_decimal(before)} to {to_decimal(amount)}; keep or lower it."
        raise FindingRefused(sentence, code="not-lower", where=where)
    step = rule.step if rule.rule.kind == "range" else plan.rubric.settings.step
    if not _on_step(amount, step):
        sentence = f"{where}: {to_decimal(amount)} is not on the step {to_decimal(step)}; change it."
        raise FindingRefused(sentence, code="off-step", where=where)


def _check_within(rule: RulePlan, where: str, amount: Fraction, units: Fraction | None) -> None:
    if rule.rule.kind == "range":
        _check_range(rule, where, amount)
        return
    fixed = (rule.rule.amount or Fraction(0)) * (units if units is not None else 1)
    if amount != fixed:
        sentence = (
            f"{where}: {rule.rule.id} is not a range, so {to_decimal(fixed)} cannot be changed; keep or strike it."
        )
        raise FindingRefused(sentence, code="amount-differs", where=where)


def _range(rule: RulePlan) -> str:
    low, high = rule.rule.min or Fraction(0), rule.rule.max or Fraction(0)
    return f"{'gives' if rule.rule.award else 'takes'} {to_decimal(low)} to {to_decimal(high)} points"


def _refused(finding: Finding, code: str, why: str) -> FindingRefused:
    return FindingRefused(f"{finding.id}: {finding.rule} {why}.", code=code, where=finding.id)


def is_later(finding: Finding, ledger: Ledger, last_day: dt.date) -> bool:
    """Say whether a finding happened after the day of the score and so does not count yet (reading 4)."""
    return finding.counted(ledger.period_from) > last_day
