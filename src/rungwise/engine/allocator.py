"""How this process asks the operating system for memory."""

import ctypes

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # malloc.h


def keep_freed_memory() -> bool:
    """Keep freed memory for the next step instead of giving it back; whether the C library could be told so (glibc).

    Otherwise each step's large gradients are pages that the system has to give, and clear, anew: 2,500 of them per step
    of five layers of 1000, a fifth of its time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return bool(mallopt(TRIM_THRESHOLD, 2**31 - 1) and mallopt(MMAP_MAX, 0))
