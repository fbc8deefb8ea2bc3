"""The chart of a study with 6 runs of 20,000 steps in Chromium: first paint and updates."""

from __future__ import annotations

import math
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser
from sqlalchemy.orm import Session, sessionmaker

from app.accounts import sessions
from app.core.settings import Settings
from app.db import jobs
from app.db import training as rows
from app.db.engine import make_engine, make_sessions
from app.db.migrate import upgrade
from app.db.tables import Job, new_id
from app.db.training_tables import Dataset, Study, TrainingRun
from app.web.http.identity import SESSION_COOKIE
from bench.page import TIMEOUT_MS, chromium
from bench.report import Row, Section, milliseconds
from bench.server import sightline

RUNS, STEPS, EPOCHS = 6, 20_000, 80
STEPS_MORE = 4  # a run, ten times a second: some 40 steps/s in each of six curves
LONG_MS = 50
# Long tasks as the browser reports them (50 ms and more), and the work of each animation frame.
WATCH = """
window.tasks = [];
window.frames = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) tasks.push([entry.startTime, entry.duration]);
}).observe({ type: "longtask", buffered: true });
const own = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (work) => own((now) => {
  const began = performance.now();
  work(now);
  frames.push([began, performance.now() - began]);
});
"""
PAINTED = "() => performance.getEntriesByName('curves')[0]?.startTime"


def section(rounds: int) -> Section:
    """Open a study several times; then let its runs continue while the page is open."""
    count = max(3, rounds // 8)
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        settings = Settings(home=Path(folder) / "home", database_url="", blobs="")
        engine = make_engine(settings)
        upgrade(engine, settings)
        factory = make_sessions(engine)
        study, cookie = _fill(factory, settings)
        with sightline(settings.home) as served, chromium() as browser:
            address = f"{served.url}/training/{study}"
            cookies = {"name": SESSION_COOKIE, "value": cookie, "url": served.url}
            paints = [_visit(browser, address, cookies, None)[0] for _ in range(count + 1)][1:]
            with _going_on(factory, study):
                _, longest, drawing = _visit(browser, address, cookies, 12.0)
        engine.dispose()
    return Section("The chart of a study", _rows(median(paints), longest, drawing), (_REMARK,))


_REMARK = (
    "A window of 1440 x 900, the server's first answer included: page, scripts, 2,000 steps a run "
    "and 80 epochs over the API, drawn on a canvas. While updating, six runs go on by 40 steps a "
    "second each for 12 s, beside the web process on the same cores."
)


def _rows(paint: float, longest: float, drawing: float) -> tuple[Row, ...]:
    what = f"{RUNS} runs x {STEPS:,} points"
    long = milliseconds(longest / 1000) if longest else f"none over {LONG_MS} ms"
    return (
        Row(
            f"Chart with {what}, from the click to the curves",
            "-",
            milliseconds(paint / 1000),
            "under 1 s",
            paint < 1000,
        ),
        Row(
            f"Chart with {what}, longest task while its runs go on",
            f"longest work of one picture: {milliseconds(drawing / 1000)}",
            long,
            f"none over {LONG_MS} ms",
            longest <= LONG_MS,
        ),
    )


def _visit(
    browser: Browser, address: str, cookie: Any, seconds: float | None
) -> tuple[float, float, float]:
    """Open the study; return ms to the curves, and ms of the longest task and frame afterwards."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([cookie])
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function(PAINTED)
    painted = float(page.evaluate(PAINTED))
    longest = drawing = 0.0
    if seconds is not None:
        page.wait_for_timeout(2000)  # photos and masks of the page are loaded by then
        begun = page.evaluate("performance.now()")
        page.wait_for_timeout(1000 * seconds)
        after = "filter(([at]) => at > begun).map(([, took]) => took)"
        find = f"(begun) => [tasks, frames].map((all) => Math.max(0, ...all.{after}))"
        longest, drawing = page.evaluate(find, begun)
    context.close()
    return painted, longest, drawing


def _fill(factory: sessionmaker[Session], settings: Settings) -> tuple[str, str]:
    """Store a study with unfinished runs; return its id and an admin's cookie."""
    with factory.begin() as session:
        done = Job(id=new_id(), kind="import_dataset", queue="none", params={}, state="succeeded")
        data = Dataset(id=new_id(), name="bench", source="folder", job_id=done.id, created_by="x")
        data.classes = [{"name": "one", "train": 1, "val": 1}]
        study = Study(
            id=new_id(), name="bench", dataset_id=data.id, request={}, probes=[], created_by="x"
        )
        session.add(done)
        session.flush()
        session.add(data)
        session.flush()
        session.add(study)
        session.flush()
        for number in range(RUNS):
            _add_run(session, study, number)
        admin = sessions.ensure_admin(session)
        browser = sessions.Browser("127.0.0.1", "bench")
        return study.id, sessions.start(session, admin, browser, settings.session_days)


def _add_run(session: Session, study: Study, number: int) -> None:
    # Paused, and in a queue that no worker serves.
    job = Job(id=new_id(), kind="train", queue="none", params={}, state="paused", progress=0.9)
    run = TrainingRun(
        id=new_id(),
        study_id=study.id,
        job_id=job.id,
        position=number,
        mechanism=f"network-{number}",
        seed=0,
        config={"epochs": EPOCHS},
        step=STEPS,
        steps=STEPS + 2000,
        epoch=EPOCHS - 8,
    )
    session.add(job)
    session.flush()
    session.add(run)
    session.flush()
    rows.add_points(session, [_point(run.id, step) for step in range(1, STEPS + 1)])
    for epoch in range(1, EPOCHS - 7):
        loss = _loss(epoch * STEPS // EPOCHS)
        values = {"train_loss": loss, "train_accuracy": 1 / (1 + loss), "val_loss": loss}
        values |= {"val_accuracy": 1 / (1 + loss), "lr": 1e-4, "seconds": 9.0}
        rows.add_epoch(
            session,
            {
                "run_id": run.id,
                "epoch": epoch,
                "step": epoch * STEPS // EPOCHS,
                "values": values,
                "probes": {},
                "predictions_key": None,
            },
        )


def _loss(step: int) -> float:
    return 2.3 * math.exp(-step / 6000) + random.gauss(0.4, 0.08)


def _point(run_id: str, step: int) -> dict[str, Any]:
    loss = _loss(step)
    return {
        "run_id": run_id,
        "step": step,
        "loss": loss,
        "accuracy": 1 / (1 + max(0.0, loss)),
        "lr": 1e-4,
        "images_per_s": 200.0,
    }


@contextmanager
def _going_on(factory: sessionmaker[Session], study_id: str) -> Iterator[None]:
    """Add steps to the runs from a thread, as workers do."""
    stopping = threading.Event()

    def work() -> None:
        last = STEPS
        while not stopping.wait(0.1):
            with factory.begin() as session:
                for run in rows.runs_of(session, [study_id]):
                    steps = range(last + 1, last + STEPS_MORE + 1)
                    rows.add_points(session, [_point(run.id, step) for step in steps])
                    jobs.touch(session, run.job_id)
            last += STEPS_MORE

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        stopping.set()
        thread.join(10)
