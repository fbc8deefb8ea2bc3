"""Schemas of what takes space. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from app.web.http.schemas import Answer, example

OWNER = "1f0e3dad99908345f7439f8ffabdffc4"
AT = "2026-11-22T09:30:00Z"


class Uploads(Answer):
    """What photos and clips take, and how many analyses there are."""

    bytes: int = Field(description="Of the files as they came.")
    files: int
    analyses: int


class Owner(Uploads):
    """What one visitor's or user's uploads take."""

    owner: str = Field(description="A visitor's id, or `user:` and a user's.")
    newest: datetime = Field(description="When the last one came.")


class Folder(Answer):
    """A kind of files on the server's disk."""

    name: str
    bytes: int
    files: int


class Storage(Answer):
    """What takes space on the server."""

    model_config = example(
        {
            "free_bytes": 53_687_091_200,
            "uploads": {"bytes": 734_003_200, "files": 312, "analyses": 540},
            "owners": [
                {
                    "owner": OWNER,
                    "bytes": 524_288_000,
                    "files": 12,
                    "analyses": 20,
                    "newest": AT,
                }
            ],
            "folders": [{"name": "maps", "bytes": 120_586_240, "files": 23_760}],
        }
    )

    free_bytes: int
    uploads: Uploads
    owners: list[Owner] = Field(description="The 100 with the most bytes, the largest first.")
    folders: list[Folder] = Field(description="Blobs by kind, and the caches of training.")
