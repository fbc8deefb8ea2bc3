"""The decoder on a system without libseccomp."""

from __future__ import annotations

from ml.media import sandbox, seccomp

if __name__ == "__main__":
    seccomp.LIBRARY = "libseccomp.so.none"
    sandbox.main()
