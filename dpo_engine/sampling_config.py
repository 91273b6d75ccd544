"""The settings of sampling, each with what a form needs to show it. See `config`."""

from dataclasses import dataclass

from dpo_engine.options import check, option


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How candidates are drawn from the policy. Stored with each candidate, so it can be drawn again."""

    temperature: float = option(
        0.7,
        label="Temperature",
        minimum=0.0,
        maximum=5.0,
        help="0 always takes the likeliest token; higher is more varied.",
    )
    top_p: float = option(
        0.95, label="Top-p", above=0.0, maximum=1.0, help="Draw from the likeliest tokens up to this mass."
    )
    top_k: int = option(
        0, label="Top-k", minimum=0, maximum=1_000_000, help="Draw from this many tokens; 0 for all."
    )
    repetition_penalty: float = option(
        1.0, label="Repetition penalty", minimum=0.5, maximum=5.0, help="Above 1 discourages repeats."
    )
    max_new_tokens: int = option(
        256,
        label="Longest response",
        unit="tokens",
        minimum=1,
        maximum=100_000,
        help="A response that reaches this length is cut there.",
    )

    def __post_init__(self) -> None:
        check(self)
