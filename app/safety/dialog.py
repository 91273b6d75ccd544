"""The backups of a project: when, what for, how much is in each; make one now, restore one."""

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import QSize, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.safety import wording
from app.safety.presenter import BackupsPresenter
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.safekeeping.backups import Backup

_WIDTH, _HEIGHT = 640, 520
_ROW = 32
_EXPLAINED = (
    "Made while you work whenever something changed, and before updates, imports and merges. Each is "
    "checked; older ones are thinned out."
)
_NONE_YET = "There is no backup yet. One is made soon after something changes."


class BackupsDialog(QDialog):
    """`restore` is called with the chosen backup, after a second press; the dialog is closed by then."""

    def __init__(
        self,
        presenter: BackupsPresenter,
        theme: Theme,
        restore: Callable[[Backup], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("backups-dialog")
        self.setWindowTitle("Backups")
        self.resize(theme.px(_WIDTH), _HEIGHT)
        self._presenter, self._theme, self._restore = presenter, theme, restore
        self.list = QTreeWidget()
        self.empty = QLabel(_NONE_YET, alignment=Qt.AlignmentFlag.AlignCenter)
        self.said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.back_up = QPushButton("Back up now")
        self.show_folder = QPushButton("Show folder")
        self.close_button = QPushButton("Close")
        self.restore_button = QPushButton("Restore…")
        self.confirm = QPushButton("Restore")
        self.cancel = QPushButton("Cancel")
        self._lay_out()
        self.list.currentItemChanged.connect(lambda *_: self._on_chosen())
        # Later, as the same press of Enter would go on to the button that is asked with.
        self.list.itemActivated.connect(self._ask, Qt.ConnectionType.QueuedConnection)
        self.back_up.clicked.connect(presenter.back_up_now)
        self.show_folder.clicked.connect(self._on_show_folder)
        self.restore_button.clicked.connect(self._ask)
        self.confirm.clicked.connect(self._on_confirmed)
        self.cancel.clicked.connect(lambda: self._asking(False))
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(presenter.listen(self._show))
        self._asking(False)
        self._show()
        presenter.refresh()

    def _show(self) -> None:
        state = self._presenter.state
        chosen = self._chosen()
        self.list.clear()
        for backup in state.backups or ():
            item = QTreeWidgetItem(
                [
                    wording.when(backup, date.today()),
                    wording.what_for(backup),
                    wording.holds(state.holds(backup)),
                    wording.size(backup.size),
                ]
            )
            item.setData(0, Qt.ItemDataRole.UserRole, backup)
            item.setToolTip(0, str(backup.path))
            item.setSizeHint(1, QSize(0, self._theme.px(_ROW)))
            item.setForeground(1, self._theme.colour("secondary"))
            for column in (2, 3):
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setFont(column, self._theme.figures())
            self.list.addTopLevelItem(item)
            if chosen is not None and backup.path == chosen.path:
                self.list.setCurrentItem(item)
        first = self.list.topLevelItem(0)
        if self.list.currentItem() is None and first is not None:
            self.list.setCurrentItem(first)
        none = state.backups is not None and not state.backups
        self.empty.setVisible(none)
        self.list.setVisible(not none)
        self.back_up.setEnabled(self._presenter.can_back_up)
        if not self.confirm.isVisible():
            self.said.setText(state.said or _EXPLAINED)
        self._on_chosen()

    def _chosen(self) -> Backup | None:
        item = self.list.currentItem()
        found = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return found if isinstance(found, Backup) else None

    def _on_chosen(self) -> None:
        self.restore_button.setEnabled(self._chosen() is not None and not self._presenter.state.working)

    @Slot()
    def _ask(self) -> None:
        backup = self._chosen()
        if backup is not None:
            moment = wording.when(backup, date.today())
            moment = moment[:1].lower() + moment[1:] if moment[:1] in "TY" else moment
            self._asking(True)
            self.said.setText(
                f"The project becomes what it was {moment}. What it is now is kept beside it, as a file of "
                "its own that you can open or merge. A training under way is stopped with a checkpoint."
            )
            self.confirm.setFocus()

    def _asking(self, asking: bool) -> None:
        for widget in (self.confirm, self.cancel):
            widget.setVisible(asking)
        for widget in (self.back_up, self.show_folder, self.close_button, self.restore_button):
            widget.setVisible(not asking)
        self.list.setEnabled(not asking)
        if not asking:
            self.said.setText(self._presenter.state.said or _EXPLAINED)
            self.list.setFocus()

    def _on_confirmed(self) -> None:
        backup = self._chosen()
        self.accept()
        if backup is not None:
            self._restore(backup)

    def _on_show_folder(self) -> None:
        folder = self._presenter.folder
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder if folder.is_dir() else folder.parent)))

    def _lay_out(self) -> None:
        self.list.setHeaderLabels(["When", "What for", "Holds", "Size"])
        self.list.setHeaderHidden(True)  # each column says by itself what it is
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAllColumnsShowFocus(True)
        self.list.setAccessibleName("Backups of this project")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        header = self.list.header()
        header.setStretchLastSection(False)
        for column in (0, 2, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        set_role(self.empty, "secondary")
        set_role(self.said, "secondary")
        set_role(self.confirm, "primary")
        set_role(self.back_up, "quiet")
        set_role(self.show_folder, "quiet")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for left in (self.back_up, self.show_folder):
            row.addWidget(left)
        row.addStretch(1)
        for right in (self.restore_button, self.close_button, self.cancel, self.confirm):
            row.addWidget(right)
        for button in (self.back_up, self.show_folder, self.restore_button, self.close_button, self.cancel):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.L, Space.L, Space.L)
        layout.setSpacing(Space.M)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.said)
        layout.addLayout(row)
