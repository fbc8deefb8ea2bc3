"""Files that are sent in parts, with errors in the API's JSON.

Starlette's FileResponse handles `Range` and `If-Range`, but sends its errors itself, as plain text.
"""

from __future__ import annotations

import json

from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

REFUSALS = {
    400: ("bad_range", "The Range header cannot be read: ask for `bytes=0-99`, for example."),
    416: ("no_such_part", "The file has no such part; Content-Range says how long it is."),
}


class RangedFile(FileResponse):
    """Starlette's FileResponse, with the bodies of 400 and 416 in the API's JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, the part, or the error."""
        error_body: list[bytes] = []

        async def send_json_errors(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSALS:
                error_body.append(_body(message["status"]))
                headers = MutableHeaders(raw=list(message["headers"]))
                headers["Content-Type"] = "application/json"
                headers["Content-Length"] = str(len(error_body[0]))
                message = {**message, "headers": headers.raw}
            elif message["type"] == "http.response.body" and error_body:
                message = {**message, "body": error_body[0]}
            await send(message)

        await super().__call__(scope, receive, send_json_errors)


def _body(status: int) -> bytes:
    name, detail = REFUSALS[status]
    return json.dumps({"error": name, "detail": detail}).encode()
