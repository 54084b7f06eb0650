"""What a child takes from itself before it touches a file: memory, time, file sizes, the network and new privileges."""

import ctypes
import os
import resource

from ingest.opening.model import Limits

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_LARGEST_FILE = 8 << 30


def _leave_the_network() -> None:
    """Best effort: a kernel may forbid it; the other limits hold all the same."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) and os.getuid() != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def allow(limits: Limits, *, mapped: int) -> None:
    """Room for the file itself, which is mapped and not held, beside the memory that decoding may take."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory + min(mapped, limits.bytes), hard))


def confine(limits: Limits) -> None:
    """Lower the limits of this process for good."""
    _leave_the_network()
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory + limits.bytes))
    for what, most in (
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
