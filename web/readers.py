"""Who will read what is typed, in a sentence, from the policy of who sees what (`services.sight.POLICY`)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from catalog.glossary import term
from services.sight import POLICY, Relation, Shown
from web.words import Language, catalogue
from workflow.vocabulary import Role


class Words(StrEnum):
    """What kind of words: facts and what the person himself says, or a judgement about him."""

    FACTS = "facts"
    JUDGEMENT = "judgement"


_ROLES: Mapping[Relation, tuple[Role, ...]] = MappingProxyType(
    {
        Relation.APPRAISEE: (Role.APPRAISEE,),
        Relation.JUDGE: (Role.ASSESSOR, Role.REVIEWER),
        Relation.APPEAL_JUDGE: (Role.DECIDER,),
        Relation.OVERSEER: (Role.APPROVER, Role.AUDITOR),
        Relation.HR: (Role.HR,),
    }
)
"""The roles behind a relation, as people know them."""


def readers(kind: Words, language: Language) -> str:
    """Return who reads words of a kind at once, and who only after the release."""
    at_once: list[str] = []
    later: list[str] = []
    for relation, roles in _ROLES.items():
        rule = POLICY[relation]
        shown = rule.facts if kind is Words.FACTS else rule.judgement
        names = [term(role, language) for role in roles]
        if shown is Shown.ALWAYS:
            at_once += names
        elif shown is Shown.RELEASED:
            later += names
    words, comma = catalogue(language), "、" if language == "zh" else ", "
    said = words.gettext("Read at once by: %(names)s.") % {"names": comma.join(at_once)}
    if not later:
        return said
    space = "" if language == "zh" else " "
    return said + space + words.gettext("After the release also by: %(names)s.") % {"names": comma.join(later)}
