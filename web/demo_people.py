"""The seven people of the demonstration who have a door of their own, and what each of them sees."""

from collections.abc import Mapping
from types import MappingProxyType

from web.words import N_

SEVEN: Mapping[str, str] = MappingProxyType(
    {
        "1015": N_("an employee: his appraisal, what was recorded, his answer"),
        "1005": N_("an assessor: records what happened and scores"),
        "1004": N_("the director: scores his deputies, reviews the rest"),
        "1007": N_("HR: opens the quarter, looks after it, proposes the table"),
        "1001": N_("the president: reviews, and signs the table"),
        "1003": N_("the auditor: looks at everything, changes nothing"),
        "1013": N_("the operator: looks after mails, failures and health"),
    }
)
"""Employee number to a description. Anybody else of the demonstration has a door too, under his number."""
