"""Who a program acts as: the first thing it may ask."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from web.api.shapes import Shape, reads
from web.api_table import PREFIX
from web.requests import Program

router = APIRouter(prefix=PREFIX, tags=["me"])


class Me(Shape):
    """The person whose token a program holds."""

    number: Annotated[str, Field(description="The employee number.", examples=["1007"])]
    name: str
    language: Annotated[str, Field(examples=["en"])]
    grants: Annotated[list[str], Field(description="What the person is granted today.", examples=[["hr"]])]


@router.get("/me", summary="Who the token acts as", responses=reads())
def me(visit: Program) -> Me:
    """Return the person whose token this is, and his grants."""
    person = visit.person
    return Me(number=person.number, name=person.name, language=person.language, grants=sorted(person.roles))
