"""A clip's analysis: time against its parts and the usual implementation; latency and memory."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import cv2
import httpx
import numpy as np
import psutil
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from app.core.settings import Settings
from app.db.tables import Analysis, Media, new_id
from app.jobs import service
from app.jobs.parameters import INFERENCE, AnalyseClipJob, AnalysisRequest, ClipOptions, flow_key
from bench import films
from bench.libraries import layers
from bench.models import Logits
from bench.report import Row, Section, milliseconds
from bench.server import READY_SECONDS, sightline
from bench.timing import alternate
from ml.catalogue import CatalogueEntry, build_video, entries
from ml.media import flow
from ml.media.fit import CLIP_FIT, fitted_size
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.video.sampling import segment_bounds, snippets
from ml.networks.video.types import Sampled
from worker import runner
from worker.runtime import Runtime, make_runtime

SMALL, HD, FULL_HD = (320, 240), (1280, 720), (1920, 1080)
SIZE, SEGMENTS, LENGTH = 224, 8, 11
SEEN = fitted_size(*SMALL, SIZE, CLIP_FIT)  # by the models: the clip keeps its shape
POLL_SECONDS = 0.01


def section(rounds: int) -> Section:
    """Analyse in this process, as the worker does; then through a server."""
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        folder = Path(name)
        rows = _in_process(folder, max(3, rounds // 5))
        rows += _through_a_server(folder, max(3, rounds // 8))
        rows.append(_memory(folder))
    return Section("Clips", tuple(rows), REMARKS)


REMARKS = (
    (
        "An analysis is the whole job as the worker runs it: claimed, decoded in the other "
        "process, flow computed and kept, both streams with masks and Grad-CAM of all stages, "
        "frames, tracks and rows stored, with progress on the way. Its parts alone are decoding, "
        "flow and the two forwards, nothing kept: of the networks as trained, as for photos above, "
        "and beside it of the worker's folded ones."
    ),
    (
        "The common way decodes every frame with OpenCV, computes Farneback's flow at the clip's "
        "own size for the same 80 pairs, and calls pytorch-grad-cam once a layer and stream on "
        "the networks as trained."
    ),
)


@dataclass(frozen=True)
class Desk:
    """A worker's runtime, one clip and one model."""

    runtime: Runtime
    entry: CatalogueEntry
    clip: Path
    media_id: str

    def analyse(self) -> None:
        """Run the whole job again, without stored flow."""
        request = AnalysisRequest(
            media_id=self.media_id,
            models=[self.entry.id],
            methods=["attention", "gradcam"],
            input_size=SIZE,
            fit=CLIP_FIT,
            clip=ClipOptions(segments=SEGMENTS),
        )
        self.runtime.blobs.delete(flow_key(self.media_id, request))
        analysis_id = new_id()
        with self.runtime.sessions.begin() as session:
            params = AnalyseClipJob(analysis_id=analysis_id)
            job = service.enqueue(session, params)
            session.add(
                Analysis(
                    id=analysis_id,
                    owner="bench",
                    media_id=self.media_id,
                    job_id=job.id,
                    request=request.model_dump(mode="json"),
                    fingerprint=analysis_id,
                )
            )
            job_id = job.id
        if not runner.run(self.runtime, job_id):
            raise SystemExit("The analysis did not run.")

    def parts(self, network: VideoNetwork) -> None:
        """Run its parts: decoding, flow and both streams' forward pass."""
        batch = prepare(network, [self.sampled()])
        with torch.inference_mode():
            network(batch)

    def sampled(self) -> Sampled:
        """Return the snippets that the worker would take."""
        decoder = self.runtime.decoder
        times = decoder.clip_times(self.clip)
        chosen = snippets(times, SEGMENTS, LENGTH)
        indices, place = np.unique(np.array(chosen), return_inverse=True)
        decoded = decoder.clip_frames(self.clip, indices.tolist(), SEEN)
        frames = decoded[place.reshape(SEGMENTS, LENGTH)]
        bounds = segment_bounds(times, SEGMENTS)
        return Sampled(frames, np.array(times)[np.array(chosen)], bounds, flow.stack(frames))


def _in_process(folder: Path, rounds: int) -> list[Row]:
    desk = _desk(folder)
    common = _common(desk)
    trained = build_video(desk.entry)
    folded = desk.runtime.models.get(desk.entry.id, "clip").network
    ways = [desk.analyse, partial(desk.parts, trained), partial(desk.parts, folded), common]
    ours, parts, quick, theirs = alternate(ways, rounds)
    desk.runtime.decoder.close()
    ratio, factor = median(ours) / median(parts), median(theirs) / median(ours)
    what = "A two-stream analysis of a clip of 10 s, 320 x 240 (8 segments, 224 px)"
    return [
        Row(
            what,
            "decoding, flow and the two forwards alone",
            f"{ratio:.2f} x: {milliseconds(median(ours))} against {milliseconds(median(parts))}; "
            f"{median(ours) / median(quick):.2f} x with the folded networks",
            "at most 1.3 x",
            ratio <= 1.3,
        ),
        Row(
            what,
            "the common way on the same segments",
            f"{factor:.1f} x faster: {milliseconds(median(ours))} against "
            f"{milliseconds(median(theirs))}",
            "at least 6 x faster",
            factor >= 6,
        ),
    ]


def _desk(folder: Path) -> Desk:
    clip = films.write(folder / "small.mp4", SMALL, 10)
    settings = Settings(home=folder / "desk", database_url="", blobs="", min_free_bytes=0)
    runtime = make_runtime(settings, "bench")
    media_id = new_id()
    key = f"media/{media_id}/original"
    runtime.blobs.put(key, clip.read_bytes())
    facts = runtime.decoder.inspect(clip)
    with runtime.sessions.begin() as session:
        session.add(
            Media(
                id=media_id,
                owner="bench",
                kind="clip",
                filename=clip.name,
                format=facts.format,
                content_type=facts.content_type,
                width=facts.width,
                height=facts.height,
                frames=facts.frames,
                bytes=clip.stat().st_size,
                sha256=hashlib.sha256(clip.read_bytes()).hexdigest(),
                blob_key=key,
                view_key=key,
                playable="original",
            )
        )
    return Desk(runtime, _model(), clip, media_id)


def _model() -> CatalogueEntry:
    """Return a shipped two-stream model with masks."""
    for entry in entries():
        if entry.kind == "clip" and entry.mechanism != "plain":
            return entry
    raise SystemExit("The benchmarks of clips need a shipped model of clips; there is none.")


def _common(desk: Desk) -> Callable[[], object]:
    """Return the analysis as tutorials write it, one step after the other."""
    eager = build_video(desk.entry).eval()
    rgb, motion = eager.get_submodule("rgb"), eager.get_submodule("flow")
    assert isinstance(rgb, Network)
    assert isinstance(motion, Network)
    times = desk.runtime.decoder.clip_times(desk.clip)
    chosen = snippets(times, SEGMENTS, LENGTH)
    bounds = segment_bounds(times, SEGMENTS)

    def work() -> None:
        film = _all_frames(desk.clip)
        fields = [[_farneback(film[a], film[b]) for a, b in pairwise(s)] for s in chosen]
        small = np.stack([[_small(film[i]) for i in snippet] for snippet in chosen])
        sampled = Sampled(small, np.array(times)[np.array(chosen)], bounds, np.array(fields))
        batch = prepare(eager, [sampled])
        for network, images in ((rgb, batch.rgb[0]), (motion, batch.flow[0])):
            model, targets = Logits(network), [ClassifierOutputTarget(0)] * SEGMENTS
            for layer in layers(network):
                with GradCAM(model=model, target_layers=[layer]) as cam:
                    cam(input_tensor=images.contiguous(), targets=targets)

    return work


def _all_frames(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        success, frame = capture.read()
        if not success:
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def _farneback(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (one, other)]
    field = cv2.calcOpticalFlowFarneback(*grey, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return flow.quantise(_small(field)).transpose(2, 0, 1)


def _small(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(picture, SEEN, interpolation=cv2.INTER_AREA))


def _through_a_server(folder: Path, rounds: int) -> list[Row]:
    rows = []
    with (
        sightline(folder / "server") as served,
        httpx.Client(base_url=served.url, timeout=120) as client,
    ):
        _ready(client)
        for name, size, goal in (("320 x 240", SMALL, 1.5), ("1280 x 720", HD, 5.0)):
            made = [films.write(folder / f"{n}.mp4", size, 10, n) for n in range(rounds + 1)]
            spent = [_first_overlay(client, clip) for clip in made][1:]
            rows.append(
                Row(
                    f"Upload of a clip of 10 s, {name}, to its first playable overlay, warm",
                    "a person's patience",
                    f"{median(spent):.2f} s ({min(spent):.2f} to {max(spent):.2f})",
                    f"under {goal:g} s",
                    median(spent) < goal,
                )
            )
    return rows


def _ready(client: httpx.Client) -> None:
    until = time.perf_counter() + READY_SECONDS
    while client.get("/readyz").status_code != 200:
        if time.perf_counter() > until:
            raise SystemExit("No worker got ready.")
        time.sleep(0.1)


def _first_overlay(client: httpx.Client, clip: Path) -> float:
    """Return seconds from the upload until the clip plays and a model's maps can be drawn."""
    began = time.perf_counter()
    with clip.open("rb") as file:
        media = client.post("/api/v1/media", files={"file": (clip.name, file)}).raise_for_status()
    asked = client.post("/api/v1/analyses", json={"media_id": media.json()["id"]})
    tracks = asked.raise_for_status().json()["links"]["tracks"]
    while True:
        known = client.get(tracks).json()["items"]
        state = client.get(media.json()["links"]["self"]).json()["playable"]
        if known and state in ("original", "ready"):
            for track in known:
                client.get(track["npy"]).raise_for_status()
            spent = time.perf_counter() - began
            _end(client, asked.json()["links"]["self"])
            return spent
        if time.perf_counter() - began > READY_SECONDS:
            raise SystemExit("No overlay came.")
        time.sleep(POLL_SECONDS)


def _end(client: httpx.Client, analysis: str) -> None:
    """Wait for the other models, so that the next clip need not."""
    while (state := client.get(analysis).json())["state"] in ("queued", "running"):
        time.sleep(POLL_SECONDS)
    if state["state"] != "succeeded":
        raise SystemExit(f"The analysis {state['state']}: {state['detail']}")


def _memory(folder: Path) -> Row:
    """Compare the peak resident memory of new workers, and of their decoding processes."""
    short, long = (_peak(folder, seconds) for seconds in (10, 60))
    ratio = long[0] / short[0]
    return Row(
        "Largest memory of the worker, a clip of 60 s, 1920 x 1080",
        "a clip of 10 s",
        f"{ratio:.2f} x: {long[0]:.0f} MB against {short[0]:.0f} MB (the process that decodes: "
        f"{long[1]:.0f} MB against {short[1]:.0f} MB)",
        "at most 1.2 x",
        ratio <= 1.2,
    )


def _peak(folder: Path, seconds: int) -> tuple[float, float]:
    clip = films.write(folder / f"long-{seconds}.mp4", FULL_HD, seconds)
    with sightline(folder / f"memory-{seconds}") as served:
        with httpx.Client(base_url=served.url, timeout=300) as client:
            _ready(client)
            _first_overlay(client, clip)
        children = psutil.Process(served.process.pid).children()
        worker = next(c for c in children if {"worker.local", INFERENCE} <= set(c.cmdline()))
        decoders = [_high_water(child.pid) for child in worker.children(recursive=True)]
        return _high_water(worker.pid), max(decoders, default=0.0)


def _high_water(pid: int) -> float:
    """Return a process's peak resident memory in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1000
