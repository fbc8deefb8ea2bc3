"""From a photo's own colours to sRGB, which is what models learnt and pages show."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

BROKEN = "The photo's colour profile is damaged and was left out: its colours may be off."
SPACES = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}  # modes that each fits
INVISIBLE = 2  # levels of 255: a profile that changes no more than this is sRGB itself


def to_rgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Return 8-bit RGB or RGBA in sRGB, and a note if the photo's profile could not be used."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return _converted(image, profile), None
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 (from OSError to PyCMSError)
            return _plain(image), BROKEN
    return _plain(image), BROKEN if "icc_profile" in image.info else None


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space
    if space not in SPACES:
        raise ValueError(space)
    if image.mode in SPACES[space] and not image.has_transparency_data:
        ready = image
    elif space == "GRAY" and image.mode in {"1", "LA"}:
        ready = image.convert("L")
    elif space == "CMYK":
        raise ValueError(space)  # of a photo that is not CMYK
    else:
        ready = _plain(image)
    if ready.mode not in SPACES[space]:
        raise ValueError(space)
    target = "RGBA" if ready.mode == "RGBA" else "RGB"
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), ready.mode, target)
    if ready.mode != "CMYK" and _is_identity(source, ready.mode):
        done = _plain(ready)
    else:
        done = ImageCms.applyTransform(ready, transform, inPlace=ready.mode == target) or ready
    if image.mode == "LA" and done.mode == "RGB":
        done.putalpha(image.getchannel("A"))
    return done


def _is_identity(source: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Return whether converting changes nothing that can be seen; names of profiles may lie."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    if mode == "L":
        sample = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (8, 1)))
    else:
        cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
        sample = Image.fromarray(cube)
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, srgb, sample.mode, "RGB")
    seen = np.asarray(ImageCms.applyTransform(sample, transform), int)
    return bool(np.abs(seen - np.asarray(sample.convert("RGB"), int)).max() <= INVISIBLE)


def _plain(image: Image.Image) -> Image.Image:
    """Return RGB, or RGBA where something is transparent, without a change of colours."""
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)
