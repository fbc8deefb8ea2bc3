"""The models on offer: those with a checkpoint, and ImageNet's own, of photos and of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ml import checkpoint as checkpoints
from ml.calibration.record import Calibration
from ml.clip_card import clip_fields
from ml.errors import MlError
from ml.explain.methods import names
from ml.explain.prepare import for_inference
from ml.explain.results import LoadedModel
from ml.model_card import ModelCard
from ml.networks.attention.base import MECHANISMS, has_masks, stored
from ml.networks.backbones.base import BACKBONES, DEFAULT
from ml.networks.network import Network, NetworkSpec, build_network
from ml.networks.types import STAGES
from ml.networks.video import base as video
from ml.networks.weights import FILE_NAME, find_local, put_into, read_local

SHIPPED = Path(__file__).parent / "checkpoints"
CLIPS = "clips"  # the folder in it with the models of clips
FIRST_CLIP_POSITION = 200
IMAGENET = "imagenet"  # the folder in it with the 1000-class weights
IMAGENET_ID = "plain-imagenet"
IMAGENET_CLIP_ID = "imagenet-clip"
FRAME_AVERAGE = "frame_average"  # its architecture
NOT_CALIBRATED = (
    "Not calibrated: with these weights the probabilities are raw, and the model never abstains."
)
CALIBRATED_ON_PHOTOS = "How sure it is, and when it is not sure, was measured on photos, not clips."


@dataclass(frozen=True)
class CatalogueEntry:
    """A model that can be loaded; `about` is the card beside its checkpoint."""

    id: str
    position: int
    title: str
    mechanism: str
    checkpoint_sha256: str
    path: Path
    about: ModelCard

    @classmethod
    def of(
        cls,
        checkpoint: checkpoints.Checkpoint,
        model_id: str,
        *,
        position: int = 0,
        title: str | None = None,
    ) -> CatalogueEntry:
        """Return the entry of a checkpoint; its title is the mechanism's by default."""
        mechanism = checkpoint.about["mechanism"]
        return cls(
            id=model_id,
            position=position,
            title=title or MECHANISMS[mechanism].about.title,
            mechanism=mechanism,
            checkpoint_sha256=checkpoint.sha256,
            path=checkpoint.path,
            about=checkpoint.about,
        )

    @property
    def imagenet(self) -> bool:
        """True for the 1000-class network as it was before any training of ours."""
        return self.id in (IMAGENET_ID, IMAGENET_CLIP_ID)

    @property
    def kind(self) -> str:
        """What the model takes: `image` or `clip`."""
        return str(self.about.get("kind", "image"))

    def card(self) -> dict[str, Any]:
        """Return everything public about the model, as JSON."""
        card = self._card()
        return card if self.kind == "image" else {**card, **clip_fields(self.about)}

    @property
    def _head(self) -> str:
        if self.imagenet:
            return "imagenet"
        return "imagenette" if self.kind == "image" else "clips"

    def _card(self) -> dict[str, Any]:
        registered = MECHANISMS[self.mechanism]
        words, about = registered.about, self.about
        backbone = BACKBONES[about.get("backbone", DEFAULT)]
        parameters = stored(self.mechanism, about.get("parameters", {}))
        masked = has_masks(self.mechanism, parameters)
        return {
            "id": self.id,
            "position": self.position,
            "title": self.title,
            "mechanism": self.mechanism,
            "paper": asdict(words.paper) if words.paper else None,
            "summary": about.get("summary", words.summary),
            "note": about.get("note"),
            "equation": words.equation,
            "mask_range": words.mask_range if masked else "none",
            "parameters": parameters,
            "stages": [
                {
                    "stage": s,
                    "layer": backbone.layer(s),
                    "channels": backbone.channels[s],
                    "grid_224": backbone.grid(s),
                }
                for s in about.get("stages", STAGES)
            ],
            "classes": list(about["classes"]),
            "input_size": about.get("input_size", 224),
            "methods": names("gradients", *(("masks",) if masked else ())),
            "head": self._head,
            "default": about.get("default", True),
            "metrics": about.get("metrics", {}),
            "curves": about.get("curves", []),
            "localisation": about.get("localisation", []),
            "training": about.get("training", {}),
            "weights_origin": about.get("weights_origin"),
            "licence": about.get("licence"),
            "calibration": about.get("calibration"),
            "checkpoint": {"sha256": self.checkpoint_sha256, "bytes": self.path.stat().st_size},
            "media": self.kind,
        }


def entries(weights: Sequence[Path] = (), folder: Path = SHIPPED) -> list[CatalogueEntry]:
    """Return every model that can be loaded here, of photos and of clips, in table order.

    Args:
        weights: Folders whose ImageNet weights replace those that come along.
        folder: Folder of the checkpoints.
    """
    listed = [_of_photos(checkpoints.read(p)) for p in sorted(folder.glob("*.safetensors"))]
    clips = sorted((folder / CLIPS).glob("*.safetensors"))
    listed += [_of_clips(checkpoints.read(p), number) for number, p in enumerate(clips)]
    imagenet = find_local([*weights, folder / IMAGENET])
    if imagenet is not None:
        listed += _imagenet(imagenet)
    return sorted(listed, key=lambda entry: entry.position)


def _of_photos(checkpoint: checkpoints.Checkpoint) -> CatalogueEntry:
    model_id, position = MECHANISMS[checkpoint.about["mechanism"]].default_row
    return CatalogueEntry.of(checkpoint, model_id, position=position)


def _of_clips(checkpoint: checkpoints.Checkpoint, number: int) -> CatalogueEntry:
    """Return the entry of a clip model; its file names it unless its card has a title."""
    name, about = checkpoint.path.stem, checkpoint.about
    position = about.get("position", FIRST_CLIP_POSITION + number)
    return CatalogueEntry.of(checkpoint, name, position=position, title=about.get("title", name))


def _imagenet(path: Path) -> list[CatalogueEntry]:
    """Return the 1000-class network's entries, of photos and of clips."""
    checkpoint, title = _imagenet_checkpoint(path), "MobileNetV2, ImageNet"
    about: ModelCard = {
        **checkpoint.about,
        "kind": checkpoints.CLIP,
        "architecture": FRAME_AVERAGE,
        "summary": video.VIDEO_MODELS[FRAME_AVERAGE].about.summary,
        "metrics": {},  # these are of photos
    }
    if "calibration" in about:
        about["summary"] += f" {CALIBRATED_ON_PHOTOS}"
    return [
        CatalogueEntry.of(checkpoint, IMAGENET_ID, position=-1, title=title),
        CatalogueEntry.of(
            replace(checkpoint, about=about),
            IMAGENET_CLIP_ID,
            position=FIRST_CLIP_POSITION - 2,  # before camera motion
            title=f"{title}, averaged over frames",
        ),
    ]


def _imagenet_checkpoint(path: Path) -> checkpoints.Checkpoint:
    """Return the weights with their card.

    It is the one beside them (`python -m ml calibrate --write` makes it), else the one that came
    along, which does not say how good others are, nor how sure they may be.
    """
    shipped = checkpoints.read(SHIPPED / IMAGENET / FILE_NAME)
    digest = checkpoints.hash_of(path)
    if digest == shipped.sha256:
        return replace(shipped, path=path)
    if path.with_suffix(".json").is_file():
        return checkpoints.read(path)
    origin = f"{path.name}: ImageNet-1k MobileNetV2, before any training here"
    about: ModelCard = {
        **shipped.about, "metrics": {}, "weights_origin": origin, "note": NOT_CALIBRATED,
    }  # fmt: skip
    about.pop("calibration", None)
    return checkpoints.Checkpoint(path, digest, about)


def build(entry: CatalogueEntry) -> Network:
    """Load an entry's network as it was trained: float32, BatchNorm in place, eval mode."""
    if not entry.imagenet:
        return checkpoints.load_network(checkpoints.read(entry.path))
    network = build_network(NetworkSpec(num_classes=len(entry.about["classes"])))
    put_into(network, read_local(entry.path), head=True)
    return network.eval()


def build_video(entry: CatalogueEntry) -> video.VideoNetwork:
    """Do as `build` for a model of clips."""
    if not entry.imagenet:
        return checkpoints.load_video(checkpoints.read(entry.path))
    network = video.build_video(video.VideoSpec(FRAME_AVERAGE, classes=len(entry.about["classes"])))
    assert isinstance(network.rgb, Network)
    put_into(network.rgb, read_local(entry.path), head=True)
    return network.eval()


def load(entry: CatalogueEntry, device: str = "cpu") -> LoadedModel:
    """Load an entry prepared for quick inference on `device`."""
    network = for_inference(build(entry) if entry.kind == "image" else build_video(entry), device)
    about = entry.about
    return LoadedModel(entry.id, network, tuple(about["classes"]), device, Calibration.of(about))


def default_device(setting: str = "auto") -> str:
    """Return the device that a setting names; `auto` is `cuda` if there is one, else `cpu`.

    Raises:
        MlError: The device does not exist here.
    """
    if setting == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if setting.startswith("cuda") and not torch.cuda.is_available():
        raise MlError(f"The device {setting!r} is a GPU, and torch sees none here. Use `auto`.")
    if setting != "cpu" and not setting.startswith("cuda"):
        raise MlError(f"There is no device {setting!r}. Use `auto`, `cpu` or `cuda`.")
    return setting


def find(model_id: str, known: Sequence[CatalogueEntry]) -> CatalogueEntry:
    """Return the entry with that id; MlError names the known ones."""
    for entry in known:
        if entry.id == model_id:
            return entry
    raise MlError(f"There is no model {model_id!r}. Known: {', '.join(e.id for e in known)}.")
