"""Which charts the Train page draws, from which metrics. Data only.

Held-out curves are always marked points; chosen and rejected differ by line and marker, not by colour alone.
"""

import math

from app.widgets.live_plot import Chart, Trace

LOSS = Chart(
    title="Loss",
    help="−log σ(margin), the mean over the pairs of a step. It starts at ln 2, where the policy is still "
    "its reference, and falls as the chosen responses become more likely than the rejected ones.",
    traces=(
        Trace(key="loss", words="train", colour="accent"),
        Trace(key="eval_loss", words="held-out", colour="good", marker="d"),
    ),
    level=(math.log(2), "ln 2 = 0.693"),
)
MARGIN = Chart(
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
    title="Accuracy",
    help="Share of pairs whose margin is above 0.",
    traces=(
        Trace(key="rewards/accuracies", words="train", colour="accent"),
        Trace(key="eval_rewards/accuracies", words="held-out", colour="good", marker="d"),
    ),
    limits=(0.0, 1.0),
    number="{:.2f}",
)
REWARDS = Chart(
    title="Rewards",
    help="β times the log-ratio of policy and reference, for the chosen and for the rejected responses.",
    traces=(
        Trace(key="rewards/chosen", words="chosen", colour="chosen"),
        Trace(key="rewards/rejected", words="rejected", colour="rejected", style="dashes"),
        Trace(
            key="eval_rewards/chosen",
            words="held-out chosen",
            legend="held-out",
            colour="chosen",
            marker="o",
            row=1,
        ),
        Trace(
            key="eval_rewards/rejected",
            words="held-out rejected",
            legend="held-out",
            colour="rejected",
            style="dashes",
            marker="s",
            row=1,
        ),
    ),
    level=(0.0, ""),
)
LOG_PROBS = Chart(
    title="Log-probs",
    help="Sum of the response tokens' log-probs under the policy (nats). Both falling together means that "
    "the policy moves away from both responses.",
    traces=(
        Trace(key="logps/chosen", words="chosen", colour="chosen"),
        Trace(key="logps/rejected", words="rejected", colour="rejected", style="dashes"),
        Trace(
            key="eval_logps/chosen",
            words="held-out chosen",
            legend="held-out",
            colour="chosen",
            marker="o",
            row=1,
        ),
        Trace(
            key="eval_logps/rejected",
            words="held-out rejected",
            legend="held-out",
            colour="rejected",
            style="dashes",
            marker="s",
            row=1,
        ),
    ),
    number="{:.1f}",
)
GRADIENT = Chart(
    title="Gradient norm",
    help="Length of the gradient before clipping. Spikes hint at a learning rate that is too high.",
    traces=(Trace(key="grad_norm", words="train", colour="accent"),),
    number="{:.2f}",
)

CHARTS = (LOSS, MARGIN, ACCURACY, REWARDS, LOG_PROBS, GRADIENT)
"""In reading order; the first two are drawn largest."""

KEYS = tuple(trace.key for chart in CHARTS for trace in chart.traces)
"""Every metric that is drawn."""
