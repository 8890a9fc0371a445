"""Every table, gathered: importing this module is how migrations and tests see the whole schema."""

from sqlmodel import SQLModel

from models import appraisals, cycles, documents, findings, history, outbox, people, rubrics, workitems

MODULES = (appraisals, cycles, documents, findings, history, outbox, people, rubrics, workitems)
METADATA = SQLModel.metadata
