"""What stands where there are no rows: why, what happens next, and one button."""

from app.inspector.state import InspectorState
from app.inspector.top_bar import scoring_words
from app.widgets.blank import Blank


def explain_empty(blank: Blank, state: InspectorState) -> None:
    match state.phase:
        case "loading":
            blank.show_words("clock", "Reading the scores", "")
        case "no_runs" if state.training:
            blank.show_words(
                "graduation-cap",
                "A run is being trained",
                "Its pairs can be looked into as soon as it has saved its first checkpoint.",
                button="Go to Train",
            )
        case "no_runs":
            blank.show_words(
                "scan-search",
                "Nothing to inspect yet",
                "Train a run first. Then every pair stands here with its log-probs, rewards and margin.",
                button="Go to Train",
            )
        case "scoring":
            blank.show_words(
                "scale",
                scoring_words(state),
                "Each pair is read under the policy and under its reference. Rows appear as they are ready.",
                button="Stop",
                primary=False,
                progress=(state.scored, state.total),
            )
        case "failed":
            blank.show_words("circle-alert", "This did not work", state.message, button="Try again")
        case _:
            blank.show_words(
                "scale",
                "Not scored yet",
                "Scoring reads each pair under the policy and under its reference. You can go on working.",
                button="Score pairs",
            )
