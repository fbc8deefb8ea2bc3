"""How folders are understood, by the server and by the command line: from names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.errors import MlError
from ml.layouts.layout import BadChange, Change
from ml.layouts.read import read_layout
from ml.train.tasks.photos.data import read_images
from tests.datasets.conftest import Bring
from tests.support.archives import classes, picture, split, zip_of


def understood(*names: str) -> tuple[dict[str, str | None], str | None]:
    """What each file is for, as `train cat`, or None; and the question."""
    files = [tuple(name.split("/")) for name in names]
    layout = read_layout(files)
    groups = {"/".join(parts): layout.place(parts) for parts in files}
    uses = {n: f"{g.use} {g.label}" if g.use else None for n, g in groups.items()}
    assert all(group.use or group.reason for group in groups.values())
    return uses, layout.question


CLEAR = {
    "a flat test": {
        "train/cat/1": "divide cat",
        "train/dog/1": "divide dog",
        "test/1": None,
    },
    "Training and Testing": {
        "Training/cat/1": "train cat",
        "Training/dog/1": "train dog",
        "Testing/cat/2": "val cat",
    },
    "nested twice": {
        "seg_train/seg_train/sea/1": "train sea",
        "seg_train/seg_train/ice/1": "train ice",
        "seg_test/seg_test/sea/1": "val sea",
        "seg_pred/seg_pred/1": None,
    },
    "capitals and numbers": {
        "Train/0/1": "divide 0",
        "Train/10/1": "divide 10",
        "Test/1": None,
        "Meta/1": None,
    },
    "one folder beside another": {
        "dataset/train/cat/1": "train cat",
        "dataset/train/dog/1": "train dog",
        "dataset/val/dog/2": "val dog",
        "docs/1": None,
        "docs/2": None,
    },
    "below single folders": {
        "a/b/trn/cat/1": "train cat",
        "a/b/trn/dog/1": "train dog",
        "a/b/dev/cat/1": "val cat",
        "a/b/test/cat/1": None,
        "a/cover": None,
    },
    "an unusable split": {
        "train/cat/1": "divide cat",
        "train/dog/1": "divide dog",
        "test/unknown/1": None,
    },
    "fillers": {
        "train_images/cat/1": "train cat",
        "train_images/dog/1": "train dog",
        "val-set/cat/1": "val cat",
    },
    "classes first": {
        "cat/train/1": "train cat",
        "cat/test/1": "val cat",
        "dog/train/1": "train dog",
        "dog/test/1": "val dog",
    },
    "a train is a class": {"freight train/1": "divide freight train", "bus/1": "divide bus"},
    "no splits": {"cat/1": "divide cat", "dog/2024/1": "divide dog", "1": None},
}


@pytest.mark.parametrize("what", CLEAR)
def test_what_is_clear_is_not_asked(what: str) -> None:
    assert understood(*CLEAR[what]) == (CLEAR[what], None)


UNCLEAR = {
    "only splits": ("train/1", "test/2"),
    "a split among classes": ("bus/1", "car/1", "train/1"),
    "boxes": ("images/train/1", "images/val/2"),
    "nothing to train on": ("val/cat/1", "val/dog/1", "test/cat/1"),
    "folds": ("fold1/cat/1", "fold1/dog/1", "fold2/cat/1", "fold2/dog/1"),
    "several datasets": ("bottle/train/good/1", "bottle/test/bad/1", "cable/train/good/1"),
    "pictures beside": ("PetImages/cat/1", "PetImages/dog/1", "docs/1"),
    "letter case": ("train/Cat/1", "train/dog/1", "val/cat/1"),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_what_is_unclear_is_asked(what: str) -> None:
    uses, question = understood(*UNCLEAR[what])
    assert question
    assert not {"divide train", "divide test", "divide val", "divide docs"} & set(uses.values())


def test_decisions_are_applied_from_the_top_down() -> None:
    files = [tuple(n.split("/")) for n in ("train/cat/1", "train/dog/1", "test/1", "docs/1")]
    layout = read_layout(files)
    test, train, cat = ("test",), ("train",), ("train", "cat")
    changed = layout.changed(
        {cat: Change(label="Katze"), train: Change(use="train"), test: Change("val", "Katze")}
    )
    assert [(g.use, g.label) for g in map(changed.place, files)] == [
        ("train", "Katze"),
        ("train", "dog"),
        ("val", "Katze"),
        (None, ""),
    ]
    whole = layout.changed({train: Change(label="animal")})
    assert whole.place(files[0]).label == whole.place(files[1]).label == "animal"
    for change in ({("nothing",): Change("val")}, {test: Change("val")}):
        with pytest.raises(BadChange):
            layout.changed(change)


def _odd() -> dict[str, bytes]:
    """A dataset with what systems and people leave in one."""
    files = {
        **classes("cat", "dog", "10", "2", count=6, top="pets/Training/"),
        **classes("cat", "dog", "2", count=3, top="pets/valid/", seed=500),
        **classes("unlabelled", count=2, top="pets/", seed=9000),
        "pets/Training/.ipynb_checkpoints/1.jpg": picture(1),
        "pets/Training/cat/._1.jpg": b"rubbish",
        "pets/Training/cat/Thumbs.db": b"rubbish",
        "__MACOSX/pets/Training/cat/1.jpg": b"rubbish",
        "pets/Training/dog/bitmap.bmp": picture(7777, kind="BMP"),
    }
    files["pets/Training/dog/copy.jpg"] = files["pets/valid/dog/0.jpg"]
    files["pets/Training/dog/wrong.jpg"] = files["pets/Training/cat/0.jpg"]
    return files


@pytest.mark.parametrize("divided", [False, True])
def test_the_server_and_the_command_line_read_alike(
    bring: Bring, tmp_path: Path, divided: bool
) -> None:
    files = {n: d for n, d in _odd().items() if not (divided and "valid" in n)}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "pets/Training/empty").mkdir()
    index, facts = bring(zip_of(files))
    data = read_images(tmp_path)
    assert data.classes == index.classes == ("10", "2", "cat", "dog")
    for name, part in (("train", data.train), ("val", data.val)):
        local = [path.relative_to(tmp_path).as_posix() for path in part.files]
        assert list(zip(local, part.labels, strict=True)) == [
            (image.name, image.label) for image in index.split(name)
        ]
    assert any("unlabelled" in note for note in data.notes)
    assert facts["report"]["split"] == ("made" if divided else "given")
    assert facts["report"]["conflicts"][0]["classes"] == ["cat", "dog"]
    names = {line["name"] for line in facts["report"]["left_out"]}
    assert {"pets/unlabelled/", "pets/Training/dog/wrong.jpg"} <= names


def test_the_command_line_asks_too(tmp_path: Path) -> None:
    for name, data in {**split("cat", "dog"), "train/Cat/1.jpg": picture(9)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(MlError, match="upper and lower case"):
        read_images(tmp_path)
