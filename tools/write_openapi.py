"""Write `docs/openapi.json` from the code: `python tools/write_openapi.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core.settings import Settings
from app.main import create_app
from app.web.http.openapi import DOCUMENT, as_text

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        text = as_text(create_app(Settings(home=Path(home))))
    DOCUMENT.write_text(text, encoding="utf-8")
