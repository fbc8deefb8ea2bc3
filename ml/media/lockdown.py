"""What a decoder gives up before it sees a stranger's file: as much as the system lets it.

Each part is tried by itself and then measured; the parent decides whether it is enough. Other
systems than Linux have none of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ml.media import seccomp

Report = dict[str, bool]
IS_LINUX = sys.platform == "linux"
NEW_NAMESPACES = 0x10000000 | 0x00020000 | 0x40000000 | 0x08000000  # user, mount, net, ipc
EMPTY = "/proc/self/fdinfo"  # without a file that could be opened, for whoever has it as its root
SET_NO_NEW_PRIVILEGES, GET_NO_NEW_PRIVILEGES = 38, 39
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446
NETWORK_SINCE, SCOPES_SINCE = 4, 6  # versions of Landlock
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # how many there are, since which version


class Locked(NamedTuple):
    """The parts that are in force."""

    no_new_privileges: bool
    seccomp: bool
    landlock: bool
    namespaces: bool


def isolate() -> bool:
    """Move to user, mount, network and IPC namespaces of its own; no other thread may run yet."""
    if not IS_LINUX:
        return False
    before = _network()
    libc = _libc()
    libc.unshare(NEW_NAMESPACES)
    return _network() != before


def lock(*, isolated: bool) -> Report:
    """Give up files, sockets, programs and other processes; return what is in force.

    Everything that will be imported must have been. What is open stays open.

    Args:
        isolated: What `isolate` returned.
    """
    if not IS_LINUX:
        return Locked(False, False, False, False)._asdict()
    libc = _libc()
    forbid = _filter()
    if isolated:
        with contextlib.suppress(OSError):
            os.chroot(EMPTY)
            os.chdir("/")
    libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    no_new_privileges = libc.prctl(GET_NO_NEW_PRIVILEGES, 0, 0, 0, 0) == 1
    with contextlib.suppress(OSError):
        _landlock(libc)
    landlocked = _refusal(_open_root) == errno.EACCES
    with contextlib.suppress(OSError):
        forbid()
    filtered = {_refusal(_open_root), _refusal(_open_socket)} == {errno.EPERM}
    return Locked(no_new_privileges, filtered, landlocked, isolated)._asdict()


def _filter() -> Callable[[], None]:
    """Return what puts the filter in force; made while its library can still be opened."""
    try:
        return seccomp.Filter().load
    except OSError:
        return lambda: None


def _landlock(libc: ctypes.CDLL) -> None:
    """Allow nothing of what Landlock can forbid: files, TCP, others' sockets and signals."""
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return
    count = max(rights for since, rights in FILE_RIGHTS.items() if since <= version)
    network, scopes = 0b11 * (version >= NETWORK_SINCE), 0b11 * (version >= SCOPES_SINCE)
    fields = [(1 << count) - 1, *([network] if network else []), *([scopes] if scopes else [])]
    rules = (ctypes.c_uint64 * len(fields))(*fields)
    size = ctypes.c_size_t(ctypes.sizeof(rules))
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, size, 0)
    if ruleset >= 0:
        libc.syscall(LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)


def _open_root() -> None:
    os.close(os.open("/", os.O_RDONLY))


def _open_socket() -> None:
    socket.socket().close()


def _refusal(act: Callable[[], None]) -> int | None:
    """Return the number of the error with which the system refuses an act; None if it does not."""
    try:
        act()
    except OSError as error:
        return error.errno
    return None


def _network() -> Path:
    return Path("/proc/self/ns/net").readlink()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
