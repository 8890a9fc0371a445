"""Every table, gathered: importing this module is how migrations and tests see the whole schema."""

from sqlmodel import SQLModel

from models import appraisals, cycles, documents, findings, history, outbox, people, rubrics, webhooks, workitems

MODULES = (appraisals, cycles, documents, findings, history, outbox, people, rubrics, webhooks, workitems)
METADATA = SQLModel.metadata
