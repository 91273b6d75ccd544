"""What each of the four pictures knows how to do; the canvas around it does the rest."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.inspector.figures import Floats
from app.inspector.pictures.brush import Brushed, Kind
from app.inspector.pictures.material import Columns
from app.inspector.pictures.selection import Region
from app.inspector.pictures.sheet import Axis, Sheet
from app.widgets.plot_export import Cell


@dataclass(frozen=True, eq=False)
class Stops:
    """The borders, rising, between the cells that keys step by. Without those of y only whole columns
    are brushed."""

    x: Floats
    y: Floats | None = None


class Drawing(ABC):
    """Figures of some pairs, and their picture. `show_pairs` is called before anything else."""

    kind: Kind
    title: str
    help: str

    @abstractmethod
    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        """Compute all for these pairs. `strong`: the brushed ones of them, None without a brush."""

    @abstractmethod
    def axes(self) -> tuple[Axis, Axis]:
        """Across and up."""

    @abstractmethod
    def stops(self) -> Stops: ...

    @abstractmethod
    def paint(self, sheet: Sheet) -> None: ...

    @abstractmethod
    def words_in(self, region: Region) -> str:
        """What is in this part of the picture, in a few words."""

    @abstractmethod
    def sentence(self) -> str:
        """What the picture shows, and what that means."""

    @abstractmethod
    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        """First the headings, then row by row."""
