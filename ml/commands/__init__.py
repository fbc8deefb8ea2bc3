"""The commands of `python -m ml`."""

from ml.commands import (
    calibrate,
    camera_clips,
    explain,
    fight,
    listing,
    localise,
    study,
    train,
    train_clips,
    weights,
)
from ml.commands.base import Command

COMMANDS: dict[str, Command] = {
    "explain": explain.COMMAND,
    "train": train.COMMAND,
    "train-clips": train_clips.COMMAND,
    "localise": localise.COMMAND,
    "calibrate": calibrate.COMMAND,
    "camera-clips": camera_clips.COMMAND,
    "fight": fight.COMMAND,
    "study": study.COMMAND,
    "weights": weights.COMMAND,
    "list": listing.COMMAND,
}
