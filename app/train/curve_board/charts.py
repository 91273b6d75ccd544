"""Which charts the Train page draws, from which metrics. Data only.

Held-out curves are always marked points; chosen and rejected differ by line and marker, not by colour alone.
"""

import math

from app.widgets.plots.chart import Chart, Trace

LOSS = Chart(
    key="loss",
    title="Loss",
    help="−log σ(margin), the mean over the pairs of a step. It starts at ln 2, where the policy is still "
    "its reference, and falls as the chosen responses become more likely than the rejected ones.",
    traces=(
        Trace(key="loss", words="train", colour="accent"),
        Trace(key="eval_loss", words="held-out", colour="good", marker="d"),
    ),
    level=(math.log(2), "ln 2 = 0.693"),
    positive=True,
)
MARGIN = Chart(
    key="margin",
    title="Reward margin",
    help="Reward of the chosen minus reward of the rejected response: β times the difference of their "
    "log-ratios. Above 0 the policy prefers what you chose.",
    traces=(
        Trace(key="rewards/margins", words="train", colour="accent"),
        Trace(key="eval_rewards/margins", words="held-out", colour="good", marker="d"),
    ),
    level=(0.0, "0: as the reference"),
)
ACCURACY = Chart(
    key="accuracy",
    title="Accuracy",
    help="Share of pairs whose margin is above 0.",
    traces=(
        Trace(key="rewards/accuracies", words="train", colour="accent"),
        Trace(key="eval_rewards/accuracies", words="held-out", colour="good", marker="d"),
    ),
    limits=(0.0, 1.0),
    number="{:.2f}",
)


def _of_both(chosen: str, rejected: str) -> tuple[Trace, ...]:
    """Four curves: the chosen and the rejected responses, in training and held out."""
    return (
        Trace(key=chosen, words="chosen", colour="chosen"),
        Trace(key=rejected, words="rejected", colour="rejected", style="dashes"),
        Trace(
            key=f"eval_{chosen}",
            words="held-out chosen",
            legend="held-out",
            colour="chosen",
            marker="o",
            row=1,
        ),
        Trace(
            key=f"eval_{rejected}",
            words="held-out rejected",
            legend="held-out",
            colour="rejected",
            style="dashes",
            marker="s",
            row=1,
        ),
    )


REWARDS = Chart(
    key="rewards",
    title="Rewards",
    help="β times the log-ratio of policy and reference, for the chosen and for the rejected responses.",
    traces=_of_both("rewards/chosen", "rewards/rejected"),
    level=(0.0, ""),
)
LOG_PROBS = Chart(
    key="log-probs",
    title="Log-probs",
    help="Sum of the response tokens' log-probs under the policy (nats). Both falling together means that "
    "the policy moves away from both responses.",
    traces=_of_both("logps/chosen", "logps/rejected"),
    number="{:.1f}",
)
LOG_PROBS_PER_TOKEN = Chart(
    key="log-probs-per-token",
    title="Log-probs per token",
    help="The same divided by each response's own number of tokens (nats), so that long responses do not "
    "outweigh short ones.",
    traces=_of_both("logps/chosen_per_token", "logps/rejected_per_token"),
)
GRADIENT = Chart(
    key="gradient",
    title="Gradient norm",
    help="Length of the gradient before clipping. Spikes hint at a learning rate that is too high.",
    traces=(Trace(key="grad_norm", words="train", colour="accent"),),
    number="{:.2f}",
    positive=True,
)
KL = Chart(
    key="kl",
    title="KL to the reference",
    help="How far the policy has moved from its reference where it goes itself: the Kullback–Leibler "
    "divergence of the next token, a mean over the tokens of its answers to the sampled prompts (nats).",
    traces=(Trace(key="samples/kl", words="answers", colour="accent", marker="o"),),
    level=(0.0, "0: as the reference"),
)
DISTINCT = Chart(
    key="distinct",
    title="Distinct trigrams",
    help="Share of the three-word sequences in an answer to a sampled prompt that are not repeated. It falls "
    "when the policy repeats itself.",
    traces=(Trace(key="samples/distinct", words="answers", colour="accent", marker="o"),),
    limits=(0.0, 1.0),
    number="{:.2f}",
)
LENGTH = Chart(
    key="length",
    title="Length of the answers",
    help="Mean number of tokens of the policy's answers to the sampled prompts.",
    traces=(Trace(key="samples/tokens", words="tokens", colour="accent", marker="o"),),
    number="{:.0f}",
    positive=True,
)
LEARNING_RATE = Chart(
    key="learning-rate",
    title="Learning rate",
    help="How far a step goes along the gradient; its warm-up and its decay are those of the schedule.",
    traces=(Trace(key="learning_rate", words="train", colour="accent", by_rule=True),),
    number="{:.2e}",
    positive=True,
)
SPEED = Chart(
    key="speed",
    title="Tokens a second",
    help="Prompt and response tokens that went through the model in a step, over the step's seconds.",
    traces=(Trace(key="tokens_per_second", words="train", colour="accent"),),
    number="{:,.0f}",
    positive=True,
)
MEMORY = Chart(
    key="memory",
    title="Memory (GB)",
    help="The most memory in use during a step: of the GPU, or of the engine's process where it trains on "
    "the processor.",
    traces=(Trace(key="memory", words="peak", colour="accent"),),
    number="{:.2f}",
    scale=1e-9,
    positive=True,
)

CHARTS = (
    LOSS,
    MARGIN,
    ACCURACY,
    REWARDS,
    LOG_PROBS,
    LOG_PROBS_PER_TOKEN,
    KL,
    GRADIENT,
    LEARNING_RATE,
    DISTINCT,
    LENGTH,
    SPEED,
    MEMORY,
)
"""In reading order."""

USUAL = (LOSS, MARGIN, ACCURACY, REWARDS, LOG_PROBS, GRADIENT)
"""Laid out for a run that has no points yet."""

KEYS = tuple(trace.key for chart in CHARTS for trace in chart.traces)
"""Every metric that is drawn."""
