"""The words of the Train page: states, times, dates. Qt-free."""

import re
from datetime import UTC, datetime

from app.store.records import RunStatus
from app.train.training import Phase

STATUS_WORDS: dict[RunStatus, str] = {
    "created": "Not started",
    "running": "Training",
    "paused": "Paused",
    "stopped": "Stopped, kept",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
STATUS_ICONS: dict[RunStatus, tuple[str, str]] = {
    "created": ("clock", "faint"),
    "running": ("play", "accent"),
    "paused": ("pause", "accent"),
    "stopped": ("circle-stop", "secondary"),
    "finished": ("circle-check", "good"),
    "failed": ("circle-alert", "danger"),
    "interrupted": ("triangle-alert", "warning"),
}
"""Icon and palette token."""

PHASE_WORDS: dict[Phase, str] = {
    "waiting": "Waiting for the engine",
    "loading": "Getting ready",
    "training": "Training",
    "pausing": "Pausing after this step",
    "paused": "Paused",
    "stopping": "Stopping after this step",
    "cancelling": "Cancelling",
}


def when(moment: str) -> str:
    """A stored UTC moment in local time: "10:41" today, "23 Nov" this year, else "23 Nov 2025"."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    local = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone()
    today = datetime.now(UTC).astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def rate(learning_rate: float) -> str:
    """A learning rate as people write it: 2e-4, 0.01."""
    if learning_rate >= 0.001:
        return f"{learning_rate:g}"
    mantissa, exponent = f"{learning_rate:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


_DATED = re.compile(r"\d{4}-\d{2}-\d{2}-(?=.)")


def short_name(run_name: str) -> str:
    """A run's name without the date it begins with: "brave-otter"."""
    return _DATED.sub("", run_name, count=1) if _DATED.match(run_name) else run_name


def figure(number: str, value: float) -> str:
    """A value in a format (`{:.3f}`), with a proper minus."""
    return number.format(value).replace("-", "−")


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
