"""The commands of `python -m ml`."""

from ml.commands import calibrate, explain, listing, localise, study, train, train_clips, weights
from ml.commands.base import Command

COMMANDS: dict[str, Command] = {
    "explain": explain.COMMAND,
    "train": train.COMMAND,
    "train-clips": train_clips.COMMAND,
    "localise": localise.COMMAND,
    "calibrate": calibrate.COMMAND,
    "study": study.COMMAND,
    "weights": weights.COMMAND,
    "list": listing.COMMAND,
}
