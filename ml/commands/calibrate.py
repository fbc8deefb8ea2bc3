"""`python -m ml calibrate`: temperature and abstention of each model, kept in its JSON."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ml import calibrate
from ml import checkpoint as checkpoints
from ml.calibration.record import NOT_SURE, Calibration
from ml.catalogue import (
    IMAGENET_ID,
    NOT_CALIBRATED,
    SHIPPED,
    CatalogueEntry,
    default_device,
    entries,
    find,
    load,
)
from ml.commands.base import Command, add_weights
from ml.errors import MlError
from ml.explain.results import LoadedModel
from ml.model_card import ModelCard
from ml.train.data_folder import validation_folder
from ml.train.spec import LabelledFiles
from ml.train.tasks.clips.data import list_clips, read_clips
from ml.train.tasks.photos.data import list_folder, read_images


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="with val/CLASS/ of the models"
    )
    parser.add_argument(
        "--others",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="photos and clips of anything else, to find when a model should abstain",
    )
    parser.add_argument("--models", nargs="+", metavar="ID", help="default: all with these classes")
    parser.add_argument("--checkpoints", type=Path, default=SHIPPED, metavar="FOLDER")
    parser.add_argument(
        "--rate", type=float, default=0.05, help="share of val/ on which a model may abstain"
    )
    parser.add_argument("--most", type=int, default=0, help="files of val/ at most; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="keep the figures in the models' JSON")
    parser.add_argument("--device", default="auto")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    if not 0 < options.rate < 1:
        raise MlError("--rate goes from 0 to 1, both left out.")
    known = entries(options.weights, options.checkpoints)
    device = default_device(options.device)
    imagenet = next((load(e, device) for e in known if e.id == IMAGENET_ID), None)
    offered = known if options.models else [e for e in known if not e.imagenet]
    for entry, files in _chosen(options, offered):
        record = _calibrated(options, entry, files, imagenet, device)
        print(sentence(entry.id, record))
        if options.write:
            checkpoints.write_about(entry.path, _calibrated_card(entry, record))


def _calibrated_card(entry: CatalogueEntry, record: Calibration) -> ModelCard:
    """Return a model's card with its calibration; weights put in place get a card of their own."""
    about: ModelCard = {**entry.about, "calibration": record.as_dict()}
    if about.get("note") == NOT_CALIBRATED:
        del about["note"]
    size = entry.path.stat().st_size
    about["checkpoint"] = {"sha256": entry.checkpoint_sha256, "bytes": size}
    return about


def _chosen(
    options: argparse.Namespace, known: Sequence[CatalogueEntry]
) -> list[tuple[CatalogueEntry, LabelledFiles]]:
    """Return the models whose classes `--data` has, each with the validation files."""
    splits = _splits(options.data)
    wanted = [find(name, known) for name in options.models] if options.models else known
    chosen = [
        (entry, _thinned(files, options.most))
        for entry in wanted
        if (files := _split_of(entry, splits)) is not None
    ]
    if not chosen or (options.models and len(chosen) < len(wanted)):
        raise MlError(f"The classes in {options.data.name} are not those of the models.")
    return chosen


def _split_of(
    entry: CatalogueEntry, splits: Mapping[tuple[str, tuple[str, ...]], LabelledFiles]
) -> LabelledFiles | None:
    """Return the split with a model's classes; for the 1000-class network, with some of them."""
    known = tuple(entry.about["classes"])
    for (kind, classes), files in splits.items():
        fits = set(classes) == set(known) or (entry.imagenet and set(classes) <= set(known))
        if fits and kind == entry.kind:
            labels = tuple(known.index(classes[label]) for label in files.labels)
            return LabelledFiles(files.files, labels)
    return None


def _thinned(files: LabelledFiles, most: int) -> LabelledFiles:
    return files.spread(most) if 0 < most < len(files.files) else files


def _splits(folder: Path) -> dict[tuple[str, tuple[str, ...]], LabelledFiles]:
    """Return what is there to validate on, by kind and classes; MlError if that is nothing."""
    splits: dict[tuple[str, tuple[str, ...]], LabelledFiles] = {}
    problems = []
    val = validation_folder(folder)
    for kind, listed, read in (
        ("image", list_folder, read_images),
        ("clip", list_clips, read_clips),
    ):
        try:
            if val is not None:
                files, classes = listed(val)
            else:
                files, classes = (data := read(folder)).val, data.classes
        except MlError as error:
            problems.append(error)
        else:
            splits[kind, classes] = files
    if not splits:
        raise problems[0]
    return splits


def _calibrated(
    options: argparse.Namespace,
    entry: CatalogueEntry,
    files: LabelledFiles,
    imagenet: LoadedModel | None,
    device: str,
) -> Calibration:
    model = load(entry, device)
    others = None
    if options.others and not entry.imagenet:
        others = calibrate.find_others(options.others, model.classes)
    work = calibrate.run(
        model,
        files,
        options.data.name,
        others,
        imagenet=imagenet,
        rate=options.rate,
        seed=options.seed,
    )
    with tqdm(total=1.0, desc=entry.id, leave=False, disable=None) as bar:
        while True:
            try:
                bar.update(next(work) - bar.n)
            except StopIteration as ended:
                record: Calibration = ended.value
                return replace(record, domain=NOT_SURE) if entry.imagenet else record


def sentence(model: str, record: Calibration) -> str:
    """Return the record in words."""
    text = (
        f"{model}: temperature {record.temperature:.3f}, calibration error "
        f"{record.ece_before:.3f} -> {record.ece_after:.3f} on {record.count}"
    )
    domain = record.domain
    if domain is None:
        return text
    text = f"{text}; abstains by {domain.rule} below {domain.threshold:.2f}"
    if domain.auroc_interval is None:
        return text
    low, high = domain.auroc_interval
    return (
        f"{text}: AUROC {domain.auroc:.3f} ({low:.3f} to {high:.3f}), on "
        f"{domain.abstains_inside:.1%} of its own and {domain.abstains_outside:.1%} of "
        f"{domain.others} others"
    )


COMMAND = Command("fit each model's temperature, and find when it should abstain", _options, _run)
