"""Names of classes in every script, and in the encodings of old ZIP programs."""

from __future__ import annotations

import io
import zipfile

import pytest

from app.media.uploads import clean_name
from ml.layouts.names import clean
from tests.datasets.conftest import Bring
from tests.support.archives import Files, classes, zip_of

KEPT = (
    "می\u200cخواهم",
    "ക്ഷ\u200d",
    "👩\u200d🚒 fire",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "हिन्दी",
    "a: good",
    "soft\u00adhyphen",
)


def encoded_zip(files: Files, encoding: str) -> bytes:
    """A ZIP whose names are in an encoding that it does not declare."""

    class Entry(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
            return self.filename.encode(encoding), self.flag_bits & ~0x800

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(Entry(name), data)
    return file.getvalue()


def test_joiners_and_emoji_are_kept(bring: Bring) -> None:
    index, _ = bring(zip_of(classes(*KEPT, count=2)))
    assert set(index.classes) == set(KEPT)
    assert [clean_name(name) for name in KEPT] == list(KEPT)


@pytest.mark.parametrize("letter", ["\u202e", "\u2066", "\x07", "\x85", "\u2028", "\udc80"])
def test_controls_and_overrides_go(letter: str) -> None:
    assert letter not in clean(f"a{letter}b")


@pytest.mark.parametrize(
    ("encoding", "names", "found"),
    [
        ("gbk", ("猫", "狗"), "gb18030"),
        ("gbk", ("训练集/飞机", "训练集/汽车"), "gb18030"),
        ("shift_jis", ("犬", "猫"), "cp932"),
        ("shift_jis", ("りんご", "写真/みかん"), "cp932"),
        ("big5", ("貓", "狗"), "big5"),
        ("cp949", ("고양이", "개"), "cp949"),
        ("cp866", ("кошка", "собака"), "cp866"),
        ("cp1252", ("Äpfel", "Größe"), "cp1252"),
        ("cp437", ("Äpfel", "niño"), "cp437"),
    ],
)
def test_the_encoding_of_old_zips_is_detected(
    bring: Bring, encoding: str, names: tuple[str, ...], found: str
) -> None:
    index, facts = bring(encoded_zip(classes(*names, count=2), encoding))
    assert facts["report"]["encoding"] == found
    assert all(image.name.rpartition("/")[0] in names for image in index.images)


def test_the_encoding_is_chosen(bring: Bring) -> None:
    data = encoded_zip(classes("قطة", "كلب", count=2), "cp1256")
    assert set(bring(data, encoding="cp1256")[0].classes) == {"قطة", "كلب"}
