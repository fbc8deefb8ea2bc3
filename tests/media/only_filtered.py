"""The probe on a system with neither namespaces nor Landlock, as many containers are."""

from __future__ import annotations

from ml.media import lockdown, sandbox
from tests.media import probe

if __name__ == "__main__":
    lockdown.NEW_NAMESPACES = 0
    lockdown.LANDLOCK_CREATE = -1
    sandbox.main(probe.answer)
