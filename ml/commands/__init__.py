"""The commands of `python -m ml`."""

from ml.commands import explain, listing, localise, train, train_clips, weights
from ml.commands.base import Command

COMMANDS: dict[str, Command] = {
    "explain": explain.COMMAND,
    "train": train.COMMAND,
    "train-clips": train_clips.COMMAND,
    "localise": localise.COMMAND,
    "weights": weights.COMMAND,
    "list": listing.COMMAND,
}
