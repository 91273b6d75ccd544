"""The filter row above the table: split, case, course and words; and the counts behind each choice."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from app.inspector.figures import CASES
from app.inspector.pair_table import Arrangement, Mask
from app.inspector.path.courses import COURSE_MEANINGS, COURSES, Course
from app.inspector.table_model import CASE_ICONS
from app.inspector.wording import CASE_MEANINGS, CASE_WORDS
from app.shell.palette import Space
from app.shell.theme import Theme
from app.widgets.search_field import SearchField
from app.widgets.segments import Segments
from dpo_engine.pair_math import Case
from dpo_engine.preferences import Split

_PAUSE_BEFORE_SEARCH_MS = 120
_SPLITS: tuple[tuple[Split | None, str], ...] = ((None, "All"), ("train", "Train"), ("held_out", "Held-out"))
_CASES: tuple[Case | None, ...] = (None, *CASES)


class FilterBar(QWidget):
    """Emits `changed` when another filter holds, and `search_wanted` after a short pause in typing."""

    changed = Signal()
    search_wanted = Signal(str)
    left_downwards = Signal()
    """The person is done with the search field and goes on to the rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.splits = Segments("Split", [title for _split, title in _SPLITS])
        self.cases = Segments("Case", ["Any case", *CASE_WORDS.values()])
        self.courses = QComboBox()
        self._counts: tuple[Sequence[int], Sequence[int]] = ((0,) * len(_SPLITS), (0,) * len(_CASES))
        self.search = SearchField(theme, tip="Ctrl+F", narrowest=140, widest=360)
        self.search.left.connect(self._leave_search)
        for number, case in enumerate(CASES, start=1):
            self.cases.button(number).setToolTip(CASE_MEANINGS[case])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.M)
        row.addWidget(self.splits)
        row.addWidget(self.cases)
        row.addWidget(self.courses)
        row.addStretch(1)
        row.addWidget(self.search, 2)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_BEFORE_SEARCH_MS)
        self._pause.timeout.connect(self._search_now)
        self.search.textChanged.connect(self._on_text_changed)
        self.splits.chosen.connect(self._on_choice)
        self.cases.chosen.connect(self._on_choice)
        self._fill_courses()
        self.courses.activated.connect(lambda _row: self.changed.emit())
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def wanted(self, *, masks: Sequence[Mask], descending: bool) -> Arrangement:
        """`masks`: what else a pair has to pass."""
        return Arrangement(
            split=_SPLITS[self.splits.choice()][0],
            case=_CASES[self.cases.choice()],
            masks=tuple(masks),
            descending=descending,
        )

    @property
    def course(self) -> Course | None:
        """What is asked of the pairs over training."""
        course: Course | None = self.courses.currentData()
        return course

    def clear(self) -> None:
        """Let every pair through again."""
        self.splits.choose(0)
        self.cases.choose(0)
        self.courses.setCurrentIndex(0)
        self.search.clear()
        self._search_now()
        self.changed.emit()

    def show_counts(self, splits: Sequence[int], cases: dict[Case, int]) -> None:
        self._counts = (tuple(splits), (sum(cases.values()), *(cases[case] for case in CASES)))
        self._fit()

    def minimumSizeHint(self) -> QSize:
        # Counts are left out where there is no room for them.
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """With the counts in the buttons, or without them where the row would be too long."""
        segments = (self.splits, self.cases)
        others = self.search.minimumWidth() + 3 * Space.M
        others += 0 if self.courses.isHidden() else self.courses.sizeHint().width()
        for shown, counts in zip(segments, self._counts, strict=True):
            shown.show_counts(counts)
        for shown in segments:
            if sum(part.sizeHint().width() for part in segments) + others > self.width():
                shown.hide_counts()

    def show_courses(self, counts: Mapping[Course, int]) -> None:
        """How many pairs took each course; there is nothing to choose where there are no counts."""
        self.courses.setVisible(bool(counts))
        if not counts and self.courses.currentIndex():
            self.courses.setCurrentIndex(0)
        for row, course in enumerate(COURSES, start=1):
            number = counts.get(course)
            self.courses.setItemText(row, course if number is None else f"{course}  {number:,}")
        self._fit()

    def _fill_courses(self) -> None:
        self.courses.setAccessibleName("Course over training")
        self.courses.setToolTip("What became of the pair over the checkpoints that are scored")
        self.courses.addItem("Any course", None)
        for course in COURSES:
            self.courses.addItem(course, course)
            self.courses.setItemData(
                self.courses.count() - 1, COURSE_MEANINGS[course], Qt.ItemDataRole.ToolTipRole
            )
        self.courses.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.courses.hide()

    def _leave_search(self) -> None:
        if self._pause.isActive():
            self._search_now()
        self.left_downwards.emit()

    def _search_now(self) -> None:
        self._pause.stop()
        self.search_wanted.emit(self.search.text().strip())

    def _on_text_changed(self, _text: str) -> None:
        self._pause.start()

    def _on_choice(self, _number: int) -> None:
        self.changed.emit()

    def _on_theme_changed(self) -> None:
        self.search.show_icon()
        self.cases.set_icons([None, *(self._theme.icon(*CASE_ICONS[case]) for case in CASES)])
