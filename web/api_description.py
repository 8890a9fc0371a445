"""The description of the API (OpenAPI): what FastAPI finds, with the one shape of problems and the token."""

from typing import Any

from fastapi import FastAPI

from web.api.shapes import Problem


class Described(FastAPI):
    """An application whose description says how to come in and what every refusal looks like."""

    def openapi(self) -> dict[str, Any]:
        """Return the description, made once."""
        if self.openapi_schema is None:
            found = super().openapi()
            parts = found.setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            parts["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of `appraise token new`."}
            }
            found["security"] = [{"token": []}]
        return self.openapi_schema or {}
