"""Archives of every kind: each works, or ends in a sentence that says what to do."""

from __future__ import annotations

import gc
import gzip
import io
import random
import stat
import struct
import tarfile
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable

import pytest

from app.core.errors import BadArchive, SightlineError, TooLarge
from tests.datasets.conftest import Bring
from tests.support.archives import classes, picture, split, tar_of, zip_of
from tests.support.mutations import check_archive, mutated

PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zip_of,
    "zip deflated": lambda files: zip_of(files, zipfile.ZIP_DEFLATED),
    "zip bzip2": lambda files: zip_of(files, zipfile.ZIP_BZIP2),
    "zip lzma": lambda files: zip_of(files, zipfile.ZIP_LZMA),
    "tar": tar_of,
    "tar.gz": lambda files: tar_of(files, "w:gz"),
    "tar.xz": lambda files: tar_of(files, "w:xz"),
    "tar.bz2": lambda files: tar_of(files, "w:bz2"),
}
SLIPS = ["../evil/1.jpg", "cat/../../1.jpg", "/etc/1.jpg", "C:/x/1.jpg", "..\\evil\\1.jpg"]


def counts(facts: dict) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["train"], one["val"]) for one in facts["classes"]}


def left_out(facts: dict) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in facts["report"]["left_out"]}


def broken(facts: dict) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in facts["report"]["broken"]}


def test_every_kind_gives_the_same(bring: Bring) -> None:
    files = split("cat", "dog", top="pets/")
    fingerprints = set()
    for pack in PACKERS.values():
        index, facts = bring(pack(files))
        assert index.classes == ("cat", "dog")
        assert counts(facts) == {"cat": (8, 4), "dog": (8, 4)}
        assert (facts["train_images"], facts["val_images"]) == (16, 8)
        assert facts["bytes"] == sum(map(len, files.values()))
        assert [image.n for image in index.images] == list(range(24))
        assert {image.name for image in index.split("val")} == {n for n in files if "/val/" in n}
        assert all((image.width, image.height) == (48, 32) for image in index.images)
        fingerprints |= {index.fingerprint(), facts["fingerprint"]}
    assert len(fingerprints) == 1


@pytest.mark.parametrize("kind", PACKERS)
def test_damaged_at_random_it_is_imported_or_refused(bring: Bring, kind: str) -> None:
    """`tests/soak/test_mutated_archives.py` does it without end."""
    whole, dice = PACKERS[kind](split("cat", "dog", train=2, val=2)), random.Random(kind)
    check_archive(bring, mutated(whole, dice))


@pytest.mark.parametrize("name", SLIPS)
@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_names_that_point_out_of_the_archive_are_refused(
    bring: Bring, pack: Callable, name: str
) -> None:
    with pytest.raises(BadArchive, match=r"points out of it|absolute path"):
        bring(pack({**classes("cat", "dog"), name: picture(1)}))


def test_links_and_devices_are_left_out(bring: Bring) -> None:
    file = io.BytesIO(tar_of(classes("cat", "dog")))
    with tarfile.open(fileobj=file, mode="a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"cat/link{kind.decode()}.jpg")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    _, facts = bring(file.getvalue())
    assert facts["train_images"] + facts["val_images"] == 20
    assert len(left_out(facts)) == 4
    assert all("link or a device" in reason for reason in left_out(facts).values())


def test_a_link_in_a_zip_is_left_out(bring: Bring) -> None:
    file = io.BytesIO(zip_of(classes("cat", "dog")))
    with zipfile.ZipFile(file, "a") as archive:
        entry = zipfile.ZipInfo("cat/link.jpg")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    _, facts = bring(file.getvalue())
    assert list(left_out(facts)) == ["cat/link.jpg"]


def test_an_encrypted_zip_is_refused(bring: Bring) -> None:
    data = bytearray(zip_of(classes("cat", "dog", count=2)))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    with pytest.raises(BadArchive, match="encrypted"):
        bring(bytes(data))


def test_a_bomb_is_refused_before_it_goes_off(bring: Bring) -> None:
    """Less than that is let through: 200 times the archive and 64 MB, twice of a TAR."""
    part = bytes(15 << 20)
    packed = zip_of({f"cat/{n}.jpg": part for n in range(9)}, zipfile.ZIP_DEFLATED)
    assert len(packed) < 1 << 20
    with pytest.raises(TooLarge, match="200 times"):
        bring(packed)
    with pytest.raises(TooLarge, match="200 times"):
        bring(tar_of({"cat/1.jpg": bytes(180 << 20)}, "w:gz"))


def test_the_total_is_limited(bring: Bring) -> None:
    data = zip_of(classes("cat", "dog", count=40))
    with pytest.raises(TooLarge, match="most that a dataset may have"):
        bring(data, max_dataset_bytes=50_000)


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_one_file_over_the_limit_is_named(bring: Bring, pack: Callable) -> None:
    files = {**classes("cat", "dog"), "cat/huge.jpg": bytes(5_000_000)}
    _, facts = bring(pack(files), max_image_bytes=4_000_000)
    assert broken(facts) == {"cat/huge.jpg": "it is larger than 3.81 MB"}


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_too_many_entries_are_refused(bring: Bring, pack: Callable) -> None:
    with pytest.raises(TooLarge, match="more than 15 files"):
        bring(pack(classes("cat", "dog")), max_dataset_files=15)


def test_a_list_of_entries_that_lies_about_its_length_is_refused(bring: Bring) -> None:
    data = bytearray(zip_of(classes("cat", "dog")))
    at = data.rfind(b"PK\x05\x06")
    struct.pack_into("<I", data, at + 12, 0xFFFFFFF0)
    with pytest.raises(BadArchive, match="damaged"):
        bring(bytes(data))


def test_headers_without_end_are_refused(bring: Bring) -> None:
    """A TAR whose long name has 64 MB, packed to almost nothing."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo("a" * (64 << 20))
        archive.addfile(entry)
    del entry
    tracemalloc.start()
    with pytest.raises(BadArchive, match="headers"):
        bring(file.getvalue())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def test_archives_inside_are_named_and_not_opened(bring: Bring) -> None:
    files = {**classes("cat", "dog"), "more.zip": zip_of(classes("bird"))}
    _, facts = bring(zip_of(files))
    assert "not opened" in left_out(facts)["more.zip"]
    with pytest.raises(SightlineError, match="no class"):
        bring(zip_of({"photos.tar": tar_of(classes("cat", "dog"))}))


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_an_archive_cut_off_is_refused(bring: Bring, kind: str, share: float) -> None:
    data = PACKERS[kind](classes("cat", "dog"))
    with pytest.raises(BadArchive, match="cut off or damaged"):
        bring(data[: int(share * len(data))])


def test_one_damaged_entry_of_a_zip_is_named(bring: Bring) -> None:
    data = bytearray(zip_of(classes("cat", "dog")))
    at = data.find(b"\xff\xd8") + 300
    data[at] ^= 0xFF
    _, facts = bring(bytes(data))
    assert broken(facts) == {"cat/0.jpg": "its data in the archive are damaged"}
    assert facts["train_images"] + facts["val_images"] == 19


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"hello, this is no archive", "neither ZIP nor TAR"),
        (b"Rar!\x1a\x07\x00", "RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
        (picture(1), "neither ZIP nor TAR"),
        (gzip.compress(b"no tar at all" * 100), "damaged"),
        (zip_of({}), "no class"),
        (zip_of({"readme.txt": b"x"}), "no class"),
    ],
    ids=["text", "rar", "7z", "photo", "gz of text", "empty", "no images"],
)
def test_other_files_are_refused(bring: Bring, data: bytes, says: str) -> None:
    with pytest.raises(SightlineError, match=says):
        bring(data)


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_names_in_any_script(bring: Bring, pack: Callable) -> None:
    names = ("кошка", "犬", "naïve ☕", "🐦", "حصان", "a b")
    index, facts = bring(pack(classes(*names, count=5)))
    assert set(index.classes) == set(names)
    assert not facts["report"]["left_out"]


def test_names_of_old_programs(bring: Bring) -> None:
    """UTF-8 that the ZIP does not declare, and code page 437."""
    data = zip_of(classes("K\u00e4tze", "Hund", count=3))
    undeclared = _without_utf8_flag(data)
    assert set(bring(undeclared)[0].classes) == {"K\u00e4tze", "Hund"}
    utf8, old = "K\u00e4tze".encode(), "K\u00e4tze!".encode("cp437")
    assert len(utf8) == len(old)
    assert set(bring(undeclared.replace(utf8, old))[0].classes) == {"K\u00e4tze!", "Hund"}


def _without_utf8_flag(data: bytes) -> bytes:
    changed = bytearray(data)
    for magic, offset in ((b"PK\x01\x02", 9), (b"PK\x03\x04", 7)):
        at = changed.find(magic)
        while at >= 0:
            changed[at + offset] &= ~0x08
            at = changed.find(magic, at + 1)
    return bytes(changed)


def test_names_in_no_encoding(bring: Bring) -> None:
    files = classes("Hund", count=3) | {f"K\udce4tze/{n}.jpg": picture(70 + n) for n in range(3)}
    file = io.BytesIO()
    with tarfile.open(
        fileobj=file, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape"
    ) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    index, _ = bring(file.getvalue())
    assert set(index.classes) == {"Hund", "KΣtze"}  # what code page 437 makes of that byte


def test_the_same_class_composed_and_not_is_one(bring: Bring) -> None:
    both = {unicodedata.normalize(form, "é"): form for form in ("NFC", "NFD")}
    assert len(both) == 2
    files = classes("cat", count=4)
    for place, name in enumerate(both):
        files |= classes(name, count=4, seed=5000 * (place + 1))
    index, facts = bring(zip_of(files))
    assert index.classes == ("cat", "é")
    assert sum(counts(facts)["é"]) == 8


def test_metadata_of_operating_systems_is_ignored(bring: Bring) -> None:
    metadata = (
        "__MACOSX/cat/._1.jpg",
        "cat/.DS_Store",
        ".git/x.jpg",
        "cat/Thumbs.db",
        "./.x/1.jpg",
    )
    files = {**classes("cat", "dog"), **dict.fromkeys(metadata, b"rubbish")}
    _, facts = bring(zip_of(files))
    assert not any(facts["report"]["counts"].values())


def test_many_entries_take_little_memory(bring: Bring) -> None:
    """Most are the same few pictures: each content is decoded once. An entry may take 3 kB."""
    some = [picture(seed) for seed in range(40)]
    peaks = {500: [], 2500: []}  # threads of other tests can only add to one
    # The more objects other tests have left, the later Python looks for circles among the old ones.
    gc.freeze()
    gc.collect()
    for count in (500, 2500, 2500):
        data = tar_of({f"c{n % 2}/{n:05d}.jpg": some[n % 40] for n in range(count)})
        tracemalloc.start()
        index, facts = bring(data)
        peaks[count].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(index.images) == count
        assert facts["report"]["counts"]["duplicates"] == 40
    gc.unfreeze()
    assert min(peaks[2500]) - min(peaks[500]) < 2000 * 3000
