"""Which device and which precision the engine computes on, and how much memory there is."""

import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]
import torch

from dpo_engine.compute.process_memory import give_back_freed_memory, keep_few_kernels, keep_freed_memory
from dpo_engine.compute.threads import settle_threads
from dpo_engine.config import Device, DType
from dpo_engine.errors import BadInput
from dpo_engine.locations import cache_dir

Use = Literal["inference", "training"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes in use by this process on the device, and bytes that the device has."""

    used: int
    total: int


def pick_device(wanted: Device) -> torch.device:
    """CUDA, else MPS, else the CPU; raises `BadInput` for one that this machine does not have."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if not present[wanted]:
        raise BadInput(
            f"This machine has no {wanted} device that PyTorch can use. Choose auto, or "
            f"{' or '.join(kind for kind, there in present.items() if there)}."
        )
    return torch.device(wanted)


def pick_dtype(wanted: DType, device: torch.device, use: Use = "inference") -> torch.dtype:
    """The type that matrix products are computed in; `auto` is bfloat16 where that is the faster one.

    On a CPU it depends on the processor. Measured with a 135M Llama on two cores, seconds for float32 and
    for bfloat16: with AVX512-BF16, training 2.7 and 1.0, writing text 1.3 and 0.5; with AVX-512 alone,
    training 3.1 and 3.7, writing text 1.7 and 0.8; with AVX2 alone, training 2.8 and 58, text 1.5 and 1.4.
    """
    if wanted != "auto":
        return _DTYPES[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        quick = _cpu_has("avx512_bf16", "amx_tile") or (use == "inference" and _cpu_has("avx512"))
        return torch.bfloat16 if quick else torch.float32
    return torch.float32


def precision(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """What a forward pass that computes in `dtype` runs under, whatever its weights are kept in.

    For one pass only: autocast keeps cast weights, which an optimizer step makes stale.
    """
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)


def device_name(device: torch.device) -> str:
    """As its maker calls it: "NVIDIA H100", "Apple M3", "AMD EPYC"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _processor_name() or device.type


def memory_of(device: torch.device) -> Memory:
    """What PyTorch has taken of a GPU, or this process of the machine."""
    if device.type == "cuda":
        return Memory(
            used=torch.cuda.memory_reserved(device),
            total=torch.cuda.get_device_properties(device).total_memory,
        )
    if device.type == "mps":
        return Memory(used=torch.mps.driver_allocated_memory(), total=torch.mps.recommended_max_memory())
    return Memory(used=psutil.Process().memory_info().rss, total=machine_memory())


def machine_memory() -> int:
    """Bytes of RAM."""
    return int(psutil.virtual_memory().total)


def free_cached_memory(device: torch.device) -> None:
    """Give back what is kept for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        give_back_freed_memory()


def settle_process(device: torch.device) -> None:
    """Everything that the engine sets for its whole process before it computes."""
    settle_numerics(device)
    if device.type == "cpu":
        keep_freed_memory()
        keep_few_kernels()
        settle_threads(cache_dir() / "threads.json", pick_dtype("auto", device, "training"))


def settle_numerics(device: torch.device) -> None:
    """Settings of the whole process: float32 means float32, and a CPU gives the same bits every time.

    TF32 would keep 10 bits of a float32's 23, too few to compare log-probs with. On CUDA, determinism
    would forbid the fastest kernels and is not promised.
    """
    torch.set_float32_matmul_precision("highest")
    if device.type == "cpu":
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True)


def _cpu_has(*features: str) -> bool:
    # PyTorch asks the processor itself, but offers the answers under private names only.
    return any(getattr(torch.cpu, f"_is_{feature}_supported", lambda: False)() for feature in features)


def _processor_name() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
