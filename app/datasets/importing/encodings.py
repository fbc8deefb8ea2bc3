"""The encoding of names that an archive does not declare: detected, or chosen by a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, get_args

Encoding = Literal[
    "utf_8", "cp437", "cp1252", "gb18030", "cp932", "big5", "cp949", "cp866", "cp1251", "cp1253",
    "cp1255", "cp1256", "cp874",
]  # fmt: skip
TITLES: dict[Encoding, str] = {
    "utf_8": "UTF-8",
    "cp437": "Western, DOS (437)",
    "cp1252": "Western, Windows (1252)",
    "gb18030": "Chinese, simplified (GBK)",
    "cp932": "Japanese (Shift-JIS)",
    "big5": "Chinese, traditional (Big5)",
    "cp949": "Korean (949)",
    "cp866": "Cyrillic, DOS (866)",
    "cp1251": "Cyrillic, Windows (1251)",
    "cp1253": "Greek (1253)",
    "cp1255": "Hebrew (1255)",
    "cp1256": "Arabic (1256)",
    "cp874": "Thai (874)",
}
OLDEST: Encoding = "cp437"  # what a ZIP's names are in by its standard
SAMPLE_BYTES = 32 * 1024
# First bytes of the rows of a character set that hold its common letters: the first level of
# GB 2312, of JIS X 0208 with the kana before it, of Big5, and the syllables of KS X 1001.
COMMON: dict[Encoding, tuple[str, range]] = {
    "gb18030": ("gb2312", range(0xB0, 0xD8)),
    "cp932": ("euc_jp", range(0xA4, 0xD0)),
    "big5": ("big5", range(0xA4, 0xC7)),
    "cp949": ("euc_kr", range(0xB0, 0xC9)),
}
RARE: tuple[Encoding, ...] = ("cp1253", "cp1255", "cp1256", "cp874")
OTHERS = 0.2  # all of whose bytes are letters, so that anything can be read as a word
MIXED = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")


class EntryNames:
    """Reads the names of one archive that does not declare their encoding.

    `encoding` is known once a name needed it. A name in another encoding may happen to be valid
    UTF-8 (a cat in GBK is): where one name is none, all are read alike.
    """

    def __init__(self, chosen: Encoding | None = None) -> None:
        self._chosen = chosen
        self.encoding: Encoding | None = None

    def learn(self, names: Iterable[bytes]) -> None:
        """Detect the encoding, unless it was chosen."""
        sample = [raw for raw in names if not raw.isascii()]
        if self._chosen is None and sample:
            self._chosen = "utf_8" if all(map(_is_utf8, sample)) else detect(sample)

    def read(self, raw: bytes) -> str:
        """Return a name from its bytes."""
        if raw.isascii():
            return raw.decode("ascii")
        known = self._chosen or ("utf_8" if _is_utf8(raw) else OLDEST)
        if self._chosen or known != "utf_8":
            self.encoding = known
        return raw.decode(known, "replace")


def detect(names: Iterable[bytes]) -> Encoding:
    """Return the likeliest encoding of some names.

    charset-normalizer measures the mess that an encoding makes of them. Folders are called by one
    or two letters, of which it knows too little: uncommon letters count against an encoding too.
    """
    from charset_normalizer import from_bytes  # large, and no page needs it

    parts = dict.fromkeys(part for name in names for part in name.split(b"/"))
    sample, size = [], 0
    for part in parts:
        if not part.isascii() and size < SAMPLE_BYTES:
            sample.append(part)
            size += len(part)
    known = [one for one in get_args(Encoding) if one != "utf_8"]
    matches = from_bytes(b"\n".join(sample), cp_isolation=known, threshold=0.5)
    found = {
        encoding: match.chaos + _uncommon(str(match), encoding)
        for match in matches
        for encoding in known
        if encoding in (match.encoding, *match.could_be_from_charset)
    }
    order = ("gb18030", "cp932", "cp949", "big5", *known)  # by how many computers write them
    return min(found, key=lambda one: (round(found[one], 2), order.index(one)), default=OLDEST)


def _uncommon(text: str, encoding: Encoding) -> float:
    """Return the share (0..1) of letters beyond ASCII that are rare in this encoding."""
    letters = [letter for letter in text if not letter.isascii()]
    if encoding not in COMMON:
        rare = sum(unicodedata.category(letter)[0] not in "LM" for letter in letters)
        return rare / max(1, len(letters)) + (OTHERS if encoding in RARE else 0)
    charset, rows = COMMON[encoding]
    rows_of = [letter.encode(charset, "ignore")[:1] for letter in letters]
    rare = sum(not row or row[0] not in rows for row in rows_of)
    mixed = len(MIXED.findall(text))  # as in "ni寸" for "niño"
    return (rare + mixed) / max(1, len(letters))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
