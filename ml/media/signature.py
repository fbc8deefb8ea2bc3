"""A file's kind by its first bytes. Nothing is decoded here."""

from __future__ import annotations

from typing import Literal

HEAD = 4096  # bytes that are enough
PHOTO_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis", b"hevc"}
PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")
MOV_ATOMS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
CLIPS = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"GIF8", "gif"),
)
TS_PACKETS = (188, 192, 204)

Kind = Literal["image", "clip", "gif", "unknown"]


def kind(head: bytes) -> Kind:
    """Return whether a file that begins so is a photo or a clip; a GIF may be either."""
    if head.startswith(b"GIF8"):
        return "gif"
    if head.startswith(PHOTOS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head[4:8] == b"ftyp" and head[8:12] in PHOTO_BRANDS:
        return "image"
    return "clip" if clip_demuxer(head) else "unknown"


def clip_demuxer(head: bytes) -> str | None:
    """Return the name of FFmpeg's demuxer for a file that begins so, or None."""
    for start, name in CLIPS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if head[4:8] in MOV_ATOMS and head[8:12] not in PHOTO_BRANDS:
        return "mov"
    return "mpegts" if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Return True if 0x47 begins each of the first packets."""
    for size in TS_PACKETS:
        offset = 4 if size == 192 else 0
        starts = range(offset, len(head), size)
        if len(starts) >= 5 and all(head[at] == 0x47 for at in starts):
            return True
    return False
