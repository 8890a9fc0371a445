"""The API under /api/v1, for programs: a token in the header `Authorization: Bearer ...`, JSON, problem+json."""
