"""Which pairs of the table a brush in one of the pictures holds. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.inspector.figures import Floats
from app.inspector.pair_table import Mask
from app.inspector.pictures.calibration import confidence_of
from app.inspector.pictures.material import Columns
from app.inspector.pictures.selection import Region

Kind = Literal["margins", "log_ratios", "length", "calibration"]


@dataclass(frozen=True)
class Brush:
    kind: Kind
    """The picture in which it was drawn."""
    region: Region

    def holds(self, columns: Columns) -> Mask:
        """True for every pair inside."""
        x, y = coordinates(self.kind, columns)
        held = self.region.holds(x, y)
        if self.kind == "calibration":
            held &= columns.held_out & (columns.gap != 0)
        return held


@dataclass(frozen=True, eq=False)
class Brushed:
    """What a brush holds of the pairs that are shown."""

    kind: Kind
    pairs: Mask


def coordinates(kind: Kind, columns: Columns) -> tuple[Floats, Floats | None]:
    """Where each pair stands in a picture: across, and up where height can be brushed."""
    match kind:
        case "margins":
            return columns.margin, None
        case "log_ratios":
            return columns.rejected_log_ratio, columns.chosen_log_ratio
        case "length":
            return columns.length_difference, columns.margin
        case "calibration":
            return confidence_of(columns.margin), None
