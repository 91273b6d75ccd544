"""The words of the samples panel. Qt-free."""

from app.train.samples.state import SamplesState
from app.train.wording import count, figure
from dpo_engine.events import Sample


def prompt_of(prompt: int, prompts: int) -> str:
    return f"Prompt {prompt + 1} of {prompts}" if prompts > 1 else "Prompt"


def step_of(step: int) -> str:
    return f"After step {step:,}" if step else "Before step 1"


def about_answer(sample: Sample | None) -> str:
    """Its length, and whether it was cut or is empty."""
    if sample is None:
        return "Not answered: the prompt is too long for this model"
    if not sample.text.strip():
        return "Empty answer"
    length = count(sample.tokens, "token") if sample.tokens else ""
    if sample.finish_reason == "end":
        return length
    return f"{length}, cut there" if length else "Cut at the longest length"


def about_step(state: SamplesState) -> str:
    """Figures of all answers of the step."""
    parts = []
    if state.tokens is not None:
        parts.append(f"{state.tokens:.0f} tokens on average")
    if state.distinct is not None:
        parts.append(f"{100 * state.distinct:.0f} % different 3-grams")
    if state.kl is not None:
        parts.append(figure("KL {:.3f} nats a token", state.kl))
    return " · ".join(parts)
