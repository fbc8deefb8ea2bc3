"""Which folder is a class, which a split; who goes where, and what is left out."""

from __future__ import annotations

import io

import pillow_heif
import pytest
from PIL import Image

from app.core.errors import SightlineError
from app.core.settings import Settings
from app.datasets.index import load
from app.storage.blobs import LocalBlobs
from tests.datasets.conftest import DATASET, Bring
from tests.datasets.test_archives import broken, counts, left_out
from tests.support.archives import classes, picture, split, zip_of
from tests.support.encoding import encode


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val", "test"])
def test_names_of_the_validation_split(bring: Bring, val: str) -> None:
    files = {
        **classes("cat", "dog", count=6, top="train/"),
        **classes("cat", "dog", count=3, top=f"{val}/", seed=400),
    }
    _, facts = bring(zip_of(files))
    assert counts(facts) == {"cat": (6, 3), "dog": (6, 3)}
    assert facts["report"]["split"] == "given"


def test_test_is_left_out_where_there_is_val(bring: Bring) -> None:
    files = {**split("cat", "dog"), **classes("cat", "dog", count=2, top="test/", seed=900)}
    _, facts = bring(zip_of(files))
    assert counts(facts) == {"cat": (8, 4), "dog": (8, 4)}
    assert set(left_out(facts).values()) == {"only the folders train and val are used"}


@pytest.mark.parametrize("top", ["", "photos/", "a/b/", "train/", "photos/train/"])
def test_common_top_folders_are_stripped(bring: Bring, top: str) -> None:
    index, facts = bring(zip_of(classes("cat", "dog", top=top)))
    assert index.classes == ("cat", "dog")
    assert counts(facts) == {"cat": (8, 2), "dog": (8, 2)}
    assert facts["report"]["split"] == "made"


def test_files_in_no_class_are_named(bring: Bring) -> None:
    files = {**split("cat", "dog"), "cover.jpg": picture(1), "train/loose.jpg": picture(2)}
    _, facts = bring(zip_of(files))
    assert set(left_out(facts)) == {"cover.jpg", "train/loose.jpg"}


def test_deeper_folders_belong_to_their_class(bring: Bring) -> None:
    files = {**split("cat", "dog"), "train/cat/2024/may/1.jpg": picture(77)}
    _, facts = bring(zip_of(files))
    assert counts(facts)["cat"] == (9, 4)


def test_broken_files_are_named_with_a_reason(bring: Bring) -> None:
    files = {
        **classes("cat", "dog"),
        "cat/cut.jpg": picture(1)[:400],
        "cat/text.jpg": b"this is no photo",
        "cat/empty.png": b"",
        "dog/tiny.png": picture(3, (2, 2), "PNG"),
    }
    _, facts = bring(zip_of(files))
    reasons = broken(facts)
    assert set(reasons) == {"cat/cut.jpg", "cat/text.jpg", "cat/empty.png", "dog/tiny.png"}
    assert "cut off" in reasons["cat/cut.jpg"]
    assert "not a photo" in reasons["cat/text.jpg"]
    assert "at least 8" in reasons["dog/tiny.png"]
    assert facts["train_images"] + facts["val_images"] == 20


def test_photos_are_read_as_elsewhere_and_notes_are_kept(bring: Bring) -> None:
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.open(io.BytesIO(picture(5, (64, 48))))).save(heic, quality=90)
    faint = Image.linear_gradient("L").resize((64, 48)).convert("F").point(lambda v: v * (1 / 255))
    files = {
        **classes("cat", "dog"),
        "cat/phone.HEIC": heic.getvalue(),
        "dog/cut.jpg": picture(1000)[:-2],
        "dog/numbers.tif": encode(faint, "TIFF"),
    }
    index, facts = bring(zip_of(files))
    assert facts["train_images"] + facts["val_images"] == 23
    sizes = {image.name: (image.width, image.height) for image in index.images}
    assert sizes["cat/phone.HEIC"] == sizes["dog/numbers.tif"] == (64, 48)
    notes = {line["name"]: line["reason"] for line in facts["report"]["noted"]}
    assert notes == {
        "dog/cut.jpg": "The file ends early: its last bytes are missing.",
        "dog/numbers.tif": "The file's numbers go from 0.00784 to 0.992: 0 is shown black, "
        "1 white.",
    }
    assert facts["report"]["counts"]["noted"] == 2
    assert broken(facts) == {}


def test_what_is_in_val_too_is_left_out_of_train(bring: Bring) -> None:
    files = split("cat", "dog")
    files["train/cat/copy.jpg"] = files["val/cat/0.jpg"]
    files["train/dog/wrong.jpg"] = files["val/cat/1.jpg"]
    files["train/dog/twice.jpg"] = files["train/dog/0.jpg"]
    index, facts = bring(zip_of(files))
    conflict = {"train/dog/wrong.jpg", "val/cat/1.jpg"}
    assert set(left_out(facts)) == {"train/cat/copy.jpg", *conflict}
    assert set(facts["report"]["conflicts"][0]["names"]) == conflict
    splits = [sorted(one["splits"]) for one in facts["report"]["duplicates"]]
    assert sorted(splits) == [["train", "train"], ["train", "val"]]
    assert counts(facts) == {"cat": (8, 3), "dog": (9, 4)}
    hashes = {name: {one.sha256 for one in index.split(name)} for name in ("train", "val")}
    assert not hashes["train"] & hashes["val"]


def test_the_split_is_stratified_seeded_and_by_content(bring: Bring) -> None:
    files = classes("cat", "dog", "bird", count=20)
    for n in range(10):
        files[f"cat/copy {n}.jpg"] = files[f"cat/{n}.jpg"]
    first, facts = bring(zip_of(files), seed=1, val_share=0.25)
    assert counts(facts)["dog"] == counts(facts)["bird"] == (15, 5)
    val = {one.sha256 for one in first.split("val")}
    assert not val & {one.sha256 for one in first.split("train")}
    assert len(val) == 15
    renamed = {name.replace("/", "/x"): data for name, data in reversed(files.items())}
    again, _ = bring(zip_of(renamed), seed=1, val_share=0.25)
    assert {one.sha256 for one in again.split("val")} == val
    other, _ = bring(zip_of(files), seed=2, val_share=0.25)
    assert {one.sha256 for one in other.split("val")} != val


def test_empty_classes_are_named(bring: Bring) -> None:
    files = {**split("cat", "dog"), "train/bird/": b"", "train/fish/1.jpg": b"x"}
    files["val/cow/1.jpg"] = picture(9)
    _, facts = bring(zip_of(files))
    assert set(counts(facts)) == {"cat", "dog"}
    named = left_out(facts)
    assert named["bird/"] == named["fish/"] == "nothing of it can be used"
    assert "nothing to train on" in named["val/cow/1.jpg"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (classes("cat"), "only one class"),
        ({"1.jpg": picture(1)}, "There is no class"),
        (classes("cat", "dog", count=1), "validate on"),
        ({**classes("cat"), "dog/1.jpg": b"broken"}, "1 files are broken"),
        (classes("cat", "d" * 121), "more than 120 letters"),
        (classes("cat", "d" * 1030), "more than 1024 letters"),
    ],
    ids=[
        "one class",
        "no class",
        "one image each",
        "one class is broken",
        "a long class",
        "a long name",
    ],
)
def test_what_cannot_be_trained_on_is_refused(bring: Bring, files: dict, says: str) -> None:
    with pytest.raises(SightlineError, match=says):
        bring(zip_of(files))


def test_too_many_classes_are_refused(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.datasets.importing.assemble.MOST_CLASSES", 20)
    with pytest.raises(SightlineError, match="21 classes"):
        bring(zip_of(classes(*map(str, range(21)), count=1, seed=7)))


def test_synsets_are_shown_as_words(bring: Bring) -> None:
    index, _ = bring(zip_of(classes("n03028079", "n99999999")))
    assert index.classes == ("church", "n99999999")


def test_long_reports_are_cut_but_counted(bring: Bring) -> None:
    files = {**classes("cat", "dog"), **{f"cat/{n}.txt": b"x" for n in range(500)}}
    _, facts = bring(zip_of(files))
    assert len(facts["report"]["left_out"]) == 100
    assert facts["report"]["counts"]["left_out"] == 500


def test_the_index_is_read_back_as_written(bring: Bring, settings: Settings) -> None:
    index, _ = bring(zip_of(split("cat", "dog")))
    again = load(LocalBlobs(settings.blob_dir), DATASET)
    assert again.images == index.images
    labels = [image.label for image in again.split("train")]
    assert labels == sorted(labels)
