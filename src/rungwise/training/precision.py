"""Which number format a net is trained in."""

from collections.abc import Callable
from typing import Any, Literal

import torch

Precision = Literal["float32", "bfloat16"]


def resolve(wish: Literal["auto", "float32", "bfloat16"], device: str) -> Precision:
    """What "auto" means on this device: bfloat16 where its products run in hardware, else float32.

    Elsewhere bfloat16 is emulated: on a Zen 3 core without AVX-512 a product ran 60 times slower than in float32.
    """
    if wish != "auto":
        return wish
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if has_cpu_bfloat16() else "float32"


def keep_float32() -> None:
    """From now on this process multiplies float32 as such on a GPU, too: PyTorch rounds what its convolutions multiply
    to TF32, of 10 bits, unless it is told not to."""
    torch.backends.cudnn.allow_tf32 = False


def has_cpu_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX512-BF16 or AMX), as far as torch can tell."""
    read: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)  # since torch 2.10
    capabilities = read()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
