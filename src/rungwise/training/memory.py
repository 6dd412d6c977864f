"""How much memory a piece of work takes, counted in tensors rather than in pages: the same on every machine."""

import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Tracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the storages that operations make until they are freed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self.sizes: dict[int, int] = {}
        """Bytes of each living storage, by its address, which is given out again once it is freed."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {_address(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor) and (address := _address(leaf)) not in given | self.sizes.keys():
                storage = leaf.untyped_storage()
                self._resize(address, storage.nbytes())
                weakref.finalize(storage, self._free, address).atexit = False
        for leaf in tree_leaves((args, kwargs)):  # an operation that writes to a storage may also make it larger
            if isinstance(leaf, Tensor) and (address := _address(leaf)) in self.sizes:
                self._resize(address, leaf.untyped_storage().nbytes())
        return out

    def _resize(self, address: int, size: int) -> None:
        self.live += size - self.sizes.get(address, 0)
        self.sizes[address] = size
        self.peak = max(self.peak, self.live)

    def _free(self, address: int) -> None:
        self.live -= self.sizes.pop(address)


def _address(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes of tensors that `work` makes and holds at once, backward passes included.

    What it is given isn't counted, nor are tensors made from numbers and NumPy arrays, nor what a kernel takes for
    itself while it runs.
    """
    tracker = _Tracker()
    with tracker:
        work()
    return tracker.peak
