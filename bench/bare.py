"""`python -m bench.bare PORT [FOLDER]`: a minimal FastAPI server, to compare with."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles


def make_app(folder: str | None) -> FastAPI:
    """Return an app that serves `/healthz`, and the files of `folder` under `/files`."""
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    if folder:
        app.mount("/files", StaticFiles(directory=folder))
    return app


if __name__ == "__main__":
    given = [*sys.argv[1:], ""]
    uvicorn.run(make_app(given[1]), port=int(given[0]), log_config=None, access_log=False)
