"""The application that serves pages and API, made from a wiring; importing this makes nothing."""

import importlib

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from config.wiring import Wiring
from web import errors
from web.guard import Guard
from web.pages_table import PAGES
from web.site import site_of


def create_app(wiring: Wiring) -> FastAPI:
    """Return the application on an opened database. Each request is a unit of work of its own."""
    app = FastAPI(title="Appraise", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    site = site_of(wiring)
    app.state.site = site
    app.add_middleware(Guard, site=site)
    errors.add_to(app)
    # Tabler's style sheet and icons lie in sqladmin's wheel; that package itself is not imported.
    app.mount("/assets/tabler", StaticFiles(packages=[("sqladmin", "statics")]), name="tabler")
    app.mount("/assets/own", StaticFiles(packages=[("web", "static")]), name="own")
    for page in PAGES:
        app.include_router(importlib.import_module(f"web.pages.{page.module}").router, include_in_schema=False)
    return app
