"""For an ASGI server of your own: `uvicorn --factory web.asgi:application`. Settings come from the environment."""

from fastapi import FastAPI

from config.settings import load_settings
from config.wiring import wire
from web.app import create_app


def application() -> FastAPI:
    """Open what the settings name and return the application."""
    return create_app(wire(load_settings()))
