"""Training steps in machine code, by numba and LLVM: an accelerator, not a foundation. `docs/kernels.md` tells how they
work.

Without numba the same work is done by PyTorch and NumPy, so whoever uses kernels asks here first. Only this module and
those that merely compile Python (`kernels.compiled`, `kernels.cross_entropy`) can be imported where numba is absent.
"""

import functools


@functools.cache
def why_not() -> str:
    """Why kernels cannot be used in this process; empty where they can. The first call imports numba."""
    try:
        import numba.extending  # noqa: F401 (whether it can be imported is what is asked)
    except ModuleNotFoundError as error:
        return f"{(error.name or 'numba').partition('.')[0]} not installed"
    except ImportError as error:  # as numba says of a NumPy that is too new for it
        return f"numba cannot be imported: {error}"
    return ""


def available() -> bool:
    """Whether kernels can be used in this process. Whether they pay on this machine says `descent.machine_can`."""
    return not why_not()
