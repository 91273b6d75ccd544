"""Models kept loaded from one request to the next."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from dpo_engine.compute.device import free_cached_memory, pick_device, pick_dtype
from dpo_engine.config import Device, DType
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.generation.decoding import Decoder
from dpo_engine.models.fingerprints import Stamp, stamps
from dpo_engine.models.loading import LoadedModel, load_files
from dpo_engine.models.model_files import ModelFiles, resolve

CAPACITY = 2
"""A policy and its reference."""

Load = Callable[[ModelFiles, torch.device, torch.dtype], LoadedModel]
_Key = tuple[ModelFiles, torch.device, torch.dtype]


@dataclass(frozen=True)
class _Kept:
    loaded: LoadedModel
    stamps: tuple[Stamp, ...]
    decoder: Decoder
    scorers: list[LogProbs] = field(default_factory=list)
    """None or one: made when it is first asked for, since that tries the model out."""


class ModelShelf:
    """The models used last, for writing text and scoring. One whose files changed is loaded again."""

    def __init__(self, capacity: int = CAPACITY, load: Load = load_files) -> None:
        self._capacity = capacity
        self._load = load
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def has(self, reference: str, device: Device, dtype: DType) -> bool:
        """Can it be taken at once? Errors as for `take`."""
        return self._fresh(self._key(resolve(reference), device, dtype)) is not None

    def take(self, reference: str, device: Device, dtype: DType) -> LoadedModel:
        """Errors as for `models.load`."""
        files = resolve(reference)
        key = self._key(files, device, dtype)
        kept = self._fresh(key)
        if kept is None:
            self._kept.pop(key, None)
            while len(self._kept) >= self._capacity:
                self._kept.popitem(last=False)
            self._free(key[1])
            before = stamps(files)
            loaded = self._load(*key)
            kept = _Kept(loaded, before, Decoder(loaded, fixed=True))
            self._kept[key] = kept
        self._kept.move_to_end(key)
        return kept.loaded

    def decoder(self, loaded: LoadedModel) -> Decoder:
        """What writes with a model that was taken from here; what it has laid out goes with the model."""
        for kept in self._kept.values():
            if kept.loaded is loaded:
                return kept.decoder
        return Decoder(loaded)

    def scorer(self, loaded: LoadedModel) -> LogProbs:
        """What scores with a model that was taken from here."""
        kept = next((kept for kept in self._kept.values() if kept.loaded is loaded), None)
        scorers = kept.scorers if kept is not None else []
        if not scorers:
            scorers.append(LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype))
        return scorers[0]

    def clear(self) -> None:
        """Let go of every model, to make room."""
        devices = {key[1] for key in self._kept}
        self._kept.clear()
        for device in devices:
            self._free(device)

    def _fresh(self, key: _Key) -> _Kept | None:
        kept = self._kept.get(key)
        return kept if kept is not None and kept.stamps == stamps(key[0]) else None

    def _key(self, files: ModelFiles, device: Device, dtype: DType) -> _Key:
        target = pick_device(device)
        return files, target, pick_dtype(dtype, target)

    def _free(self, device: torch.device) -> None:
        gc.collect()
        free_cached_memory(device)
