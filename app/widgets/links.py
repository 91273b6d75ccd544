"""Addresses in a text from elsewhere: shown whole and asked about before anything is opened."""

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QMenu, QMessageBox, QTextEdit, QWidget

from app.widgets.paper import LINK, shown_as_text

_OPENABLE = ("http", "https")
_MOST, _LONGEST = 12, 60


def links_of(text: QTextEdit, place: QTextCursor | None) -> list[str]:
    """The addresses under the place, or without one all of the text's, in order; each once."""
    if place is not None:
        after = QTextCursor(place)
        after.movePosition(QTextCursor.MoveOperation.Right)
        found = (str(cursor.charFormat().property(LINK) or "") for cursor in (place, after))
        return [address for address in dict.fromkeys(found) if address]
    addresses: dict[str, None] = {}
    block = text.document().begin()
    while block.isValid() and len(addresses) < _MOST:
        parts = block.begin()
        while not parts.atEnd():
            address = str(parts.fragment().charFormat().property(LINK) or "")
            if address:
                addresses[address] = None
            parts += 1
        block = block.next()
    return list(addresses)[:_MOST]


def add_link_actions(menu: QMenu, text: QTextEdit, place: QTextCursor | None) -> None:
    """For each address: copy it, and open it after a question."""
    for address in links_of(text, place):
        menu.addSeparator()
        short = address if len(address) <= _LONGEST else f"{address[:_LONGEST]}…"
        words = shown_as_text(short).replace("&", "&&")
        copy = menu.addAction(f"Copy {words}")
        copy.triggered.connect(lambda _=False, a=address: QGuiApplication.clipboard().setText(a))
        if is_openable(address):
            ask = menu.addAction(f"Open {words}…")
            ask.triggered.connect(lambda _=False, a=address: ask_to_open(a, text))


def is_openable(address: str) -> bool:
    """Only pages of the web: never a file, a program, a mail."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() in _OPENABLE and bool(parts.hostname)


def ask_to_open(address: str, parent: QWidget) -> None:
    """Open the address in the browser if the person, who sees all of it, says so."""
    question = QMessageBox(parent)
    question.setWindowTitle("Open a link")
    question.setTextFormat(Qt.TextFormat.PlainText)
    question.setText(f"This link is from the response, and leads to {urlsplit(address).hostname}. Open it?")
    question.setInformativeText(shown_as_text(address))
    go = question.addButton("Open in the browser", QMessageBox.ButtonRole.AcceptRole)
    question.setDefaultButton(question.addButton("Do not open", QMessageBox.ButtonRole.RejectRole))
    question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    question.buttonClicked.connect(
        lambda pressed: QDesktopServices.openUrl(QUrl(address)) if pressed is go else None
    )
    question.open()
