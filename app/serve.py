"""Serves the pages and the API; `python -m app.serve` is one of several web processes.

`SIGHTLINE_WEB_PROCESSES` of them share a listening socket. `python -m app` starts and replaces
them, and has the rest: migration, reaper, workers. The end of stdin means that it is gone.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI

from app.core.logging import setup_logging
from app.core.privacy import forbid_inspection
from app.core.settings import Settings
from app.jobs.doorbell import Doorbell, RelayDoorbell, make_doorbell

SHUTDOWN_SECONDS = 2  # for open streams and requests, after which they are closed


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """Return the server of an application."""
    from app.web.http.connections import limited  # imported late, as the application is

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=limited(settings),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `app.web.http.proxies` reads them
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )


def main() -> None:
    """Serve until told to stop, or until the parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="descriptor that listens")
    parser.add_argument("--rings", type=int, required=True, help="descriptor of the doorbell")
    options = parser.parse_args()
    forbid_inspection()
    settings = Settings()
    setup_logging(settings, "web")
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    doorbell: Doorbell = (
        RelayDoorbell(options.rings) if settings.queue == "local" else make_doorbell(settings)
    )
    from app.main import create_app  # imported late: the parent may be gone already

    server = make_server(create_app(settings, doorbell=doorbell), settings)
    server.run(sockets=[socket.socket(fileno=options.socket)])


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
