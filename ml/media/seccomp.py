"""A filter of system calls for a process that only computes, through libseccomp.

libseccomp knows every call's number on every architecture. It is called by ctypes, as the wrapper
on PyPI (pyseccomp) does: five functions need no dependency.
"""

from __future__ import annotations

import ctypes
import errno

LIBRARY = "libseccomp.so.2"
ALLOWED = (
    # what it was given: read a file or a request, write an answer
    "read", "readv", "pread64", "preadv", "lseek", "write", "writev", "recvmsg", "close", "fstat",
    "poll", "ppoll", "select", "pselect6",
    # memory
    "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise",
    # threads of a codec, and their locks
    "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "membarrier", "getcpu",
    # clocks, random numbers, its own signals
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "getrandom", "getrusage", "times", "setitimer", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sigaltstack", "restart_syscall",
    # who it is
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo",
    "getcwd",  # Pillow asks for it even where it writes to memory
    # the end
    "exit", "exit_group",
)  # fmt: skip
CLONE_THREAD = 0x10000
AT_EMPTY_PATH = 0x1000

ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
MASKED_EQUAL = 7  # SCMP_CMP_MASKED_EQ
ALL_THREADS = 4  # SCMP_FLTATR_CTL_TSYNC


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class Filter:
    """Refuses every call but `ALLOWED` with EPERM, in all threads, once it is in force.

    A library that tries another finds it forbidden and goes on without. Calls of another
    architecture (32 bits, x32) end the process.

    Raises:
        OSError: The system has no libseccomp, or (from `load`) no filters.
    """

    def __init__(self) -> None:
        self._library = _library()
        self._context = self._library.seccomp_init(REFUSE | errno.EPERM)
        if not self._context:
            raise OSError(errno.ENOMEM, "libseccomp cannot make a filter")
        self._library.seccomp_attr_set(self._context, ALL_THREADS, 1)
        for name in ALLOWED:
            self._rule(ALLOW, name)
        # A thread, but no process. The C library tries clone3 first, whose flags no filter can
        # read, and goes on to clone if there is none.
        self._rule(ALLOW, "clone", _Comparison(0, MASKED_EQUAL, CLONE_THREAD, CLONE_THREAD))
        self._rule(REFUSE | errno.ENOSYS, "clone3")
        empty = _Comparison(3, MASKED_EQUAL, AT_EMPTY_PATH, AT_EMPTY_PATH)
        self._rule(ALLOW, "newfstatat", empty)  # how the C library asks about a descriptor

    def load(self) -> None:
        """Put it in force, for good."""
        _check(self._library.seccomp_load(self._context))

    def _rule(self, action: int, name: str, *comparisons: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # this architecture has no such call
        array = (_Comparison * len(comparisons))(*comparisons)
        count = len(comparisons)
        add = self._library.seccomp_rule_add_array
        _check(add(self._context, action, number, count, array))


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)  # by name: to search for it would start a compiler
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    )
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    return library


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp cannot install the filter")
