"""The application that serves pages and API, made from a wiring; importing this makes nothing."""

import importlib
from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles

from config.wiring import Wiring
from web import errors
from web.api_description import Described
from web.api_table import MODULES, PREFIX
from web.guard import Guard
from web.pages_table import PAGES
from web.site import site_of


def create_app(wiring: Wiring) -> FastAPI:
    """Return the application on an opened database. Each request is a unit of work of its own."""
    app = Described(
        title="Appraise", docs_url=None, redoc_url=None, openapi_url=f"{PREFIX}/openapi.json", redirect_slashes=False
    )
    site = site_of(wiring)
    app.state.site = site
    app.add_middleware(Guard, site=site)
    errors.add_to(app)
    # Tabler's style sheet and icons lie in sqladmin's wheel; that package itself is not imported.
    app.mount("/assets/tabler", StaticFiles(packages=[("sqladmin", "statics")]), name="tabler")
    app.mount("/assets/own", StaticFiles(packages=[("web", "static")]), name="own")
    for page in PAGES:
        for route in _routes(f"web.pages.{page.module}"):
            route.include_in_schema = False
            app.router.routes.append(route)
    for module in MODULES:
        app.router.routes += _routes(f"web.api.{module}")
    return app


def _routes(module: str) -> Iterable[APIRoute]:
    """Return the routes of a module as they are: their paths are those of `web.policy`."""
    return [route for route in importlib.import_module(module).router.routes if isinstance(route, APIRoute)]
