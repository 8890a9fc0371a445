"""The floor of a page: FastAPI and Jinja and nothing else, a table about as long as the page it stands beside.

`python -m benchmarks.bare_page PORT` serves it in one process; several may share the port. It knows nothing of the
product. `/?size=N` answers with a page of about N bytes.
"""

import socket
import sys

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import DictLoader, Environment

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head>
<body><h1>{{ title }}</h1><table><tbody>
{% for row in rows %}<tr><th scope="row">{{ row.name }} ({{ row.number }})</th><td>{{ row.what }}</td></tr>
{% endfor %}</tbody></table></body></html>
"""
ROW_BYTES = 85
MOST = 4_000
ROWS = [{"name": f"Person {n}", "number": 1_000_000 + n, "what": "Review by the 7th"} for n in range(MOST)]


def create_app() -> FastAPI:
    """Return the application: one page, answered in the pool of threads as the product's are."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    page = Environment(loader=DictLoader({"page.html": PAGE}), autoescape=True).get_template("page.html")

    @app.get("/")
    def show(size: int = 0) -> HTMLResponse:
        return HTMLResponse(page.render(title="A page", rows=ROWS[: min(size // ROW_BYTES, MOST)]))

    return app


def main(port: int) -> None:
    """Serve until it is ended."""
    shared = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind(("127.0.0.1", port))
    config = uvicorn.Config(create_app(), log_config=None, access_log=False, lifespan="off", server_header=False)
    uvicorn.Server(config).run(sockets=[shared])


if __name__ == "__main__":
    main(int(sys.argv[1]))
