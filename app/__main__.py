"""`python -m app`: bring the database up to date, start the worker, serve the pages."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.accounts.invitation import addresses, invite
from app.backup import BackupError, backup, restore
from app.core.logging import setup_logging
from app.core.privacy import forbid_inspection
from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.db.migrate import upgrade
from app.jobs.doorbell import CeleryDoorbell, LocalDoorbell, attach, make_doorbell
from app.jobs.reaper import ReaperThread
from app.jobs.supervisor import Supervisors
from app.serve import make_server
from app.storage.blobs import LocalBlobs

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM, or do what another command says."""
    parser = argparse.ArgumentParser("python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve, as without a command")
    commands.add_parser("admin-link", help="print a link that signs the admin in once")
    for name, words in (("backup", "copy all data into"), ("restore", "take all data from")):
        command = commands.add_parser(name, help=f"{words} a folder")
        command.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    settings = _settings()
    match options.command:
        case "admin-link":
            print_link(settings)
        case "backup":
            _run(backup, settings, options.folder)
        case "restore":
            _run(restore, settings, options.folder)
        case _:
            serve(settings)


def serve(settings: Settings) -> None:
    """Serve; print the URLs, and the admin's sign-in link if there is no password yet."""
    forbid_inspection()
    setup_logging(settings, "web")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    listener = _listen(settings)
    doorbell = make_doorbell(settings)
    with background(settings, doorbell):
        server = None
        if settings.web_processes == 1:
            from app.main import create_app  # imported late: the worker starts meanwhile

            server = make_server(create_app(settings, doorbell=doorbell), settings)
        host, port = listener.getsockname()[:2]
        urls = addresses(host, port)
        print(f"Sightline is at {' and '.join(urls)}", flush=True)
        if links := invite(settings, urls, only_without_password=True):
            print("Sign in as admin: " + "\n              or: ".join(links), flush=True)
        if server is not None:
            server.run(sockets=[listener])
        else:
            from app import web_processes

            web_processes.run(settings, listener, doorbell)


def _run(action: Callable[[Settings, Path], None], settings: Settings, folder: Path) -> None:
    """Back up or restore; say what went wrong and exit with 1."""
    try:
        action(settings, folder)
    except BackupError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    print(f"{action.__name__}: {folder} is complete.")


def print_link(settings: Settings) -> None:
    """Print a new link for the admin, even if no server runs; older links become invalid."""
    engine = make_engine(settings)
    upgrade(engine, settings)
    engine.dispose()
    urls = addresses(settings.host, settings.port)
    print("\n".join(invite(settings, urls, only_without_password=False)))


@contextmanager
def background(settings: Settings, doorbell: LocalDoorbell | CeleryDoorbell) -> Iterator[None]:
    """Migrate; then, inside the `with`, run the reaper and (for `QUEUE=local`) the workers."""
    engine = make_engine(settings)
    upgrade(engine, settings)
    sessions = make_sessions(engine)
    attach(sessions, doorbell)
    reaper = ReaperThread(sessions, LocalBlobs(settings.blob_dir), settings)
    reaper.start()
    supervisors = None
    if isinstance(doorbell, LocalDoorbell):
        supervisors = Supervisors(settings, reaper.reaper, doorbell)
        supervisors.start()
    try:
        yield
    finally:
        if supervisors is not None:
            supervisors.stop()
        reaper.stop()
        engine.dispose()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["SIGHTLINE", *map(str, problem["loc"])]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        raise SystemExit(2) from None


def _listen(settings: Settings) -> socket.socket:
    """Bind the port before anything else is started, so that failing needs no clean-up."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        print(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}); "
            "choose another with SIGHTLINE_PORT.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    return listener


def _stop(*_: Any) -> None:
    """Exit in order; while uvicorn serves, it handles signals and calls this one afterwards."""
    raise SystemExit(0)


if __name__ == "__main__":
    main()
