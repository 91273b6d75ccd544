"""How fast a training will probably be, from the speed of one matrix product on this machine."""

import time

import torch

from dpo_engine.config import TrainConfig
from dpo_engine.models.model_sizes import ModelSizes
from dpo_engine.run_time import forward_share

_ROWS = 512
_SECONDS = 0.05
_EFFICIENCY = 0.5
"""What a training reaches of the speed of its matrix products alone.

Measured with a 135M Llama on two cores of a Xeon with AMX and 998 real pairs: estimated over measured seconds
were 0.8 (LoRA) and 1.1 (full) in bfloat16, 1.5 and 1.4 in float32. No GPU was at hand.
"""


def expected_seconds_a_token(
    sizes: ModelSizes,
    config: TrainConfig,
    *,
    scored_share: float,
    device: torch.device,
    dtype: torch.dtype,
    checkpointed: bool,
) -> float:
    """Of a token's forward and backward pass in a packed row, `scored_share` of whose tokens are scored.

    Two operations a weight (Kaplan et al., arXiv 2001.08361, section 2.1); the output layer is computed for
    scored tokens only, and once more on the way back. Attention's own products are left out.
    """
    forward = 2 * (sizes.linear + 2 * scored_share * sizes.head)
    operations = forward / forward_share(config, checkpointed=checkpointed)
    return operations / (_EFFICIENCY * operations_a_second(sizes.hidden, device, dtype))


def operations_a_second(width: int, device: torch.device, dtype: torch.dtype) -> float:
    """Of a product of the kind that a layer of this width does most, the fastest of several: what else the
    machine is busy with just now should not count."""
    rows = torch.ones((_ROWS, width), device=device, dtype=dtype)
    weight = torch.ones((width, 4 * width), device=device, dtype=dtype)
    with torch.inference_mode():
        _timed(rows, weight)
        fastest = passed = _timed(rows, weight)
        while passed < _SECONDS:
            seconds = _timed(rows, weight)
            fastest, passed = min(fastest, seconds), passed + seconds
    return 2 * _ROWS * width * 4 * width / fastest


def _timed(rows: torch.Tensor, weight: torch.Tensor) -> float:
    started = time.perf_counter()
    rows @ weight
    if rows.device.type == "cuda":
        torch.cuda.synchronize(rows.device)
    elif rows.device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter() - started
