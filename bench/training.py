"""How fast a run trains from JPEG files, how soon it is back after a kill, what memory it keeps."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, models, transforms

from bench.report import Row, Section, milliseconds
from bench.timing import Pair, alternate
from ml import allocator
from ml.train.config import TrainConfig
from ml.train.configure import configure
from ml.train.cpus import available_cpus
from ml.train.events import EpochEnd, Saved, Step
from ml.train.generators import result_of
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import Images, list_folder, load
from ml.train.tasks.photos.trainer import PhotoTrainer

IMAGES, BATCH, SIZE = 512, 32, 128
FEW, EPOCHS = 64, 50  # for the memory's growth
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def section(rounds: int) -> Section:
    """Epochs from files against tensors and against torchvision's recipe; resume; memory."""
    root = Path(os.environ.get("SIGHTLINE_DATA", "")) / "imagenette160"
    if not root.is_dir():
        raise SystemExit("The benchmarks of training need imagenette160 in SIGHTLINE_DATA.")
    few = max(2, rounds // 10)
    with tempfile.TemporaryDirectory() as folder:
        return Section(
            "Training",
            (*_epochs(root, few), _resume(root, Path(folder), few), _memory(root, Path(folder))),
            (
                (
                    f"An epoch is {IMAGES} images of Imagenette (160 px), spread over the classes, "
                    f"cropped to {SIZE} px in batches of {BATCH}; MobileNetV2 from random weights, "
                    "nothing frozen. The first epoch decodes the files, later ones find the pixels "
                    "in memory, as runs do."
                ),
                (
                    "torchvision's reference recipe: `ImageFolder`, Pillow, `RandomResizedCrop`, "
                    "flip and `ColorJitter` of the same strength, `DataLoader` with a worker for "
                    "each core, SGD, torch's default memory order."
                ),
            ),
        )


def _config() -> TrainConfig:
    return configure("plain", {"start": "scratch", "size": SIZE, "batch_size": BATCH})


def _decode(files: LabelledFiles, classes: tuple[str, ...]) -> Images:
    return result_of(load(files, classes, 160, None))


class Ours:
    """One trainer, fed from files, from decoded images, or with one batch over and over."""

    def __init__(self, root: Path) -> None:
        every, self._classes = list_folder(root / "train")
        self._files = every.spread(IMAGES)
        images = _decode(self._files, self._classes)
        self._trainer = PhotoTrainer(_config(), images, images)
        self._trainer.set_train_mode()
        self._batch = next(self._batches())

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        trainer = self._trainer
        return trainer.frozen_features.train_batches(trainer.train, 0, 0, trainer.device)

    def first(self) -> None:
        """An epoch from files."""
        _decode(self._files, self._classes)
        self.later()

    def later(self) -> None:
        """An epoch from decoded images."""
        for number, (features, labels) in enumerate(self._batches()):
            self._trainer.step(features, labels, number)

    def tensors(self) -> None:
        """As many steps on tensors that are ready."""
        for number in range(IMAGES // BATCH):
            self._trainer.step(*self._batch, number)


class Reference:
    """torchvision's references/classification/train.py, cut down to what one epoch does."""

    def __init__(self, root: Path) -> None:
        view = transforms.Compose(
            [
                transforms.RandomResizedCrop(SIZE, scale=(0.61, 1.0)),
                transforms.RandomHorizontalFlip(),
                transforms.ColorJitter(brightness=0.12, contrast=0.12),
                transforms.PILToTensor(),
                transforms.ConvertImageDtype(torch.float),
                transforms.Normalize(mean=MEAN, std=STD),
            ]
        )
        every = datasets.ImageFolder(str(root / "train"), view)
        chosen = [len(every) * i // IMAGES for i in range(IMAGES)]
        self._loader = DataLoader(
            Subset(every, chosen), BATCH, shuffle=True, num_workers=available_cpus(), drop_last=True
        )
        self._model = models.mobilenet_v2(num_classes=len(every.classes)).train()
        self._loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self._optimiser = torch.optim.SGD(
            self._model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True
        )

    def epoch(self) -> None:
        """An epoch as it trains one."""
        for images, labels in self._loader:
            loss = self._loss(self._model(images), labels)
            self._optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)
            self._optimiser.step()


def _epochs(root: Path, rounds: int) -> Iterator[Row]:
    ours, reference = Ours(root), Reference(root)
    first, later, tensors, theirs = alternate(
        [ours.first, ours.later, ours.tensors, reference.epoch], rounds, warmup=1
    )
    yield _rate(
        "The first epoch, from JPEG files", first, "the same steps on tensors", tensors, 0.85
    )
    yield _rate("A later epoch", later, "the same steps on tensors", tensors, 0.95)
    yield _rate("A later epoch", later, "torchvision's reference recipe", theirs, 1.5)


def _rate(what: str, ours: list[float], against: str, theirs: list[float], goal: float) -> Row:
    found = Pair(theirs, ours)
    low, high = found.spread
    rates = [IMAGES / median(times) for times in (ours, theirs)]
    return Row(
        what,
        against,
        f"{found.ratio:.2f} x ({low:.2f} to {high:.2f}): {rates[0]:.1f} against {rates[1]:.1f} "
        "images/s",
        f"at least {goal:.2f} x",
        found.ratio >= goal,
    )


def _spec(root: Path, folder: Path, cache: Path, images: int, epochs: int) -> RunSpec:
    (training, classes), (val, _) = list_folder(root / "train"), list_folder(root / "val")
    return RunSpec(
        config=configure(
            "plain", {"start": "scratch", "size": 96, "eval_size": 96, "epochs": epochs}
        ),
        classes=classes,
        train=training.spread(images),
        val=val.spread(FEW),
        folder=folder,
        cache=cache,
        data_name="a part of Imagenette",
        data_fingerprint=f"bench {images}",
        probes=tuple(range(0, FEW, 6)),
        device="cpu",
        save_seconds=0,
    )


def _process(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.training", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line
    raise SystemExit(f"The run ended before it said {word!r}.")


def _resume(root: Path, folder: Path, rounds: int) -> Row:
    """Fresh starts and resumed ones by turns, both with images in the cache."""
    pairs = [_kill_and_resume(root, folder / str(i), folder / "cache") for i in range(rounds + 1)]
    found = Pair([b for _, b in pairs[1:]], [a for a, _ in pairs[1:]])  # the first filled the cache
    low, high = found.spread
    return Row(
        "From kill -9 to the first step of the resumed run",
        "from the start of a fresh run to its first step",
        f"{found.ratio:.2f} x ({low:.2f} to {high:.2f}): {milliseconds(median(found.a))} against "
        f"{milliseconds(median(found.b))}",
        "at most 1.20 x",
        found.ratio <= 1.2,
    )


def _kill_and_resume(root: Path, folder: Path, cache: Path) -> tuple[float, float]:
    began = time.perf_counter()
    process = _process("steps", root, folder, cache)
    _until(process, "step")
    fresh = time.perf_counter() - began
    _until(process, "saved")
    began = time.perf_counter()
    process.kill()
    process.wait()
    process = _process("steps", root, folder, cache)
    _until(process, "step")
    resumed = time.perf_counter() - began
    process.kill()
    process.wait()
    return fresh, resumed


def _memory(root: Path, folder: Path) -> Row:
    process = _process("epochs", root, folder / "long", folder / "cache")
    second, last = (int(_until(process, f"epoch {n} ").split()[2]) for n in (2, EPOCHS))
    process.wait()
    return Row(
        f"Peak memory of a run after {EPOCHS} epochs",
        "after its second",
        f"{last / 1024:.0f} MiB against {second / 1024:.0f} MiB",
        "no growth (at most 2 %)",
        last <= 1.02 * second,
    )


def main(what: str, root: Path, folder: Path, cache: Path) -> None:
    """Train, and say on standard output what happens."""
    allocator.tune()
    many = what == "steps"
    for event in train(_spec(root, folder, cache, IMAGES if many else FEW, 4 if many else EPOCHS)):
        if isinstance(event, Step):
            print("step", event.step, flush=True)
        elif isinstance(event, Saved):
            print("saved", event.step, flush=True)
        elif isinstance(event, EpochEnd):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print("epoch", event.epoch, peak, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
