"""The settings of a training run on clips: those of a run on photos, and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml.errors import MlError
from ml.media.flow import methods
from ml.networks.video.base import VIDEO_MODELS, VideoNetwork, VideoSpec, build_video
from ml.networks.video.types import STREAMS
from ml.train.config import TrainConfig
from ml.train.fields import DATA, FROZEN_AT_MOST, NETWORK, OPTIMISER, RUN, about
from ml.train.tasks.clips import camera_motion, moving_objects
from ml.train.tasks.clips.camera_motion import pair_index, pairs

CLIPS, CAMERA_MOTION, MOVING_OBJECTS = "clips", "camera motion", "moving objects"
MOVEMENTS = {  # of clips that are made from images; none in clips from files
    CAMERA_MOTION: camera_motion.MOVEMENTS,
    MOVING_OBJECTS: moving_objects.MOVEMENTS,
}
IMAGENET, MOTION, PHOTOS = "imagenet", "camera motion", "photos"


@dataclass(frozen=True)
class ClipConfig(TrainConfig):
    """Everything that decides a clip run's numbers, except the data and the starting weights.

    A snippet is a frame and the `flow_length` flow fields around it. `snippets` of them, evenly
    spread, are read of every training clip once and stored; a training step sees one of each of
    `segments` parts of the clip, evaluation the middles of `test_segments` parts.
    """

    architecture: str = about(
        "two_stream",
        "Architecture",
        NETWORK,
        "How time is seen: two streams, frames alone, a recurrent layer, or a 3D network.",
        choices=tuple(VIDEO_MODELS),
    )
    epochs: int = about(
        8, "Epochs", RUN, "Passes over the training clips.", min=1, max=1000, step=1
    )
    batch_size: int = about(
        8, "Batch size", DATA, "Clips in one step; 0 takes 8.", min=0, max=512, step=1, unit="clips"
    )
    size: int = about(
        192,
        "Training size",
        DATA,
        "Side of the crops, which cover four fifths of the sides: that share of the validation "
        "size shows things as large as in use.",
        min=32,
        max=512,
        step=32,
        unit="px",
    )
    lr: float = about(1e-4, "Learning rate", OPTIMISER, "Peak rate of the trunks.", min=0, max=10)
    new_lr_factor: float = about(
        8.0,
        "Factor for new parts",
        OPTIMISER,
        "Modules and heads learn this many times faster than the trunks.",
        min=0,
        max=1000,
    )
    source: str = about(
        CLIPS,
        "Data",
        DATA,
        "A folder of clips for each class, a camera moving over the images of each class, or the "
        "images moving as things over another ground.",
        choices=(CLIPS, CAMERA_MOTION, MOVING_OBJECTS),
    )
    handheld: float = about(
        0.5,
        "Camera from a hand",
        DATA,
        "Of a moving camera's clips, the share that shakes, has noise, and may be four times as "
        "slow.",
        min=0,
        max=1,
        step=0.1,
    )
    segments: int = about(
        3, "Segments", DATA, "Parts of a clip that a step sees.", min=1, max=32, step=1
    )
    test_segments: int = about(
        8, "Segments when testing", DATA, "Parts of a clip in validation.", min=1, max=32, step=1
    )
    snippets: int = about(
        12,
        "Snippets kept",
        DATA,
        "Moments of every training clip that are read once and kept; each segment has its share.",
        min=1,
        max=32,
        step=1,
    )
    flow_length: int = about(
        10, "Flow fields", DATA, "In one snippet: the motion stream's depth.", min=1, max=32, step=1
    )
    flow: str = about(
        "dis",
        "Optical flow",
        DATA,
        "How the motion between two frames is found.",
        choices=methods(),
    )
    clips_at_most: int = about(
        0,
        "Clips at most",
        DATA,
        "Of the training split, evenly chosen, and a quarter as many of the validation split; 0 "
        "takes all.",
        min=0,
        max=1_000_000,
        step=1,
    )
    rgb_start: str = about(
        IMAGENET,
        "Start of the RGB stream",
        NETWORK,
        "ImageNet weights, or those of the photo model with the same mechanism that comes along.",
        choices=(IMAGENET, PHOTOS),
    )
    flow_start: str = about(
        IMAGENET,
        "Start of the motion stream",
        NETWORK,
        "ImageNet weights with an averaged first layer, or those of the camera-motion model that "
        "comes along.",
        choices=(IMAGENET, MOTION),
    )
    flow_frozen_blocks: int = about(
        0,
        "Frozen blocks of the motion stream",
        NETWORK,
        "As for the RGB stream; its own, since ImageNet's first layers have never seen flow.",
        min=0,
        max=FROZEN_AT_MOST,
        step=1,
    )
    flow_lr_factor: float = about(
        1.0, "Factor for the motion stream", OPTIMISER, "On all its rates.", min=0, max=1000
    )
    partial_bn: bool = about(
        True, "Partial BN", RUN, "Norms of the motion stream keep their statistics but the first."
    )
    weight_rgb: float = about(
        1.0, "Weight of the RGB stream", NETWORK, "In the fusion of scores.", min=0, max=100
    )
    weight_flow: float = about(
        1.5, "Weight of the flow stream", NETWORK, "In the fusion of scores.", min=0, max=100
    )
    fusion: str = about(
        "logits",
        "Fusion",
        NETWORK,
        "Mean of scores before the softmax, of probabilities, or a learnt layer.",
        choices=("logits", "softmax", "learnt"),
    )
    consensus: str = about(
        "mean",
        "Over time",
        NETWORK,
        "The mean of the snippets' scores, or a learnt attention over time.",
        choices=("mean", "attention"),
    )
    dropout: float = about(
        0.5,
        "Dropout",
        NETWORK,
        "Share of the pooled features that a step leaves out, where the mechanism's own parameter "
        "says nothing else.",
        min=0,
        max=0.95,
        step=0.05,
    )

    def __post_init__(self) -> None:
        """Raise MlError, with what to change, for settings that cannot train."""
        super().__post_init__()
        if self.placed:
            raise MlError("Views of clips cannot be placed: placed is 0.")
        if self.snippets < self.segments:
            raise MlError("snippets must be at least as many as segments: one for each.")
        if self.weight_rgb + self.weight_flow <= 0:
            raise MlError("The streams' weights must not both be 0.")

    @property
    def steps_seen(self) -> int:
        """Snippets of a clip that a step sees: one, of a clip that is made from images."""
        return self.segments if self.source == CLIPS else 1

    @property
    def size_kept(self) -> int:
        """Px that frames and flow are kept at: flow counts in these pixels, as later in use."""
        return self.eval_size

    def names(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return the model's classes for data with these: pairs if clips are made from images."""
        movements = MOVEMENTS.get(self.source)
        return tuple(classes if movements is None else pairs(classes, movements))

    def build(self, classes: Sequence[str]) -> VideoNetwork:
        """Return a new network for a model with these classes."""
        return build_video(self.video(classes))

    def video(self, classes: Sequence[str]) -> VideoSpec:
        """Return what the network for a model with these classes (see `names`) is built from."""
        own = {"dropout": self.dropout, **self.parameters}
        spec = VideoSpec(
            architecture=self.architecture,
            mechanism=self.mechanism,
            parameters=own,
            stages=tuple(self.stages),
            classes=len(classes),
            flow_length=self.flow_length,
            fusion=self.fusion,
            weights=(self.weight_rgb, self.weight_flow),
            consensus=self.consensus,
        )
        movements = MOVEMENTS.get(self.source)
        if movements is None or VIDEO_MODELS[self.architecture].streams != STREAMS:
            return spec  # one stream alone has to tell every pair from every other
        index = pair_index(len(classes) // len(movements), len(movements))
        return replace(spec, class_index=index)
