"""The look of the app: palette, fonts, style sheet and icons, light or dark, following the system.

One `Theme` object is built in `main.py` and handed to everything that draws. Widgets ask it for colours
and icons and connect to `changed`; the style sheet (`resources/style.qss`) covers the standard controls.
A widget says what it is by the dynamic property `role` (see the roles at the top of the style sheet).
"""

from dataclasses import asdict
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QWidget

import resources
from app.shell.icons import tinted_icon
from app.shell.palette import DARK, LIGHT, RADIUS, FontSize, Palette

Mode = Literal["system", "light", "dark"]

TEXT_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono"
_FONT_FILES = (
    "Inter-Regular.otf",
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "Inter-Italic.otf",
    "JetBrainsMono-Regular.ttf",
)


class Theme(QObject):
    """Emits `changed` after the palette became another one."""

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = "system", scale: float = 1.0) -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = mode
        self._scale = scale
        self._style = Template(resources.path("style.qss").read_text(encoding="utf-8"))
        self._icons: dict[tuple[str, str, str], QIcon] = {}
        for file in _FONT_FILES:
            QFontDatabase.addApplicationFont(str(resources.path("fonts", file)))
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self._apply()

    @property
    def palette(self) -> Palette:
        return DARK if self._is_dark() else LIGHT

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def scale(self) -> float:
        return self._scale

    def set_mode(self, mode: Mode) -> None:
        if mode != self._mode:
            self._mode = mode
            self._apply()
            self.changed.emit()

    def set_scale(self, scale: float) -> None:
        """Text size: 1.0 is the design's; 0.8 to 2.0."""
        scale = min(2.0, max(0.8, scale))
        if scale != self._scale:
            self._scale = scale
            self._apply()
            self.changed.emit()

    def px(self, size: int) -> int:
        """A font size in pixels at the chosen text scale."""
        return round(size * self._scale)

    def font(self, size: int = FontSize.BODY, *, weight: int = 400, mono: bool = False) -> QFont:
        font = QFont(MONO_FAMILY if mono else TEXT_FAMILY)
        font.setPixelSize(self.px(size))
        font.setWeight(QFont.Weight(weight))
        return font

    def figures(self, size: int = FontSize.BODY, *, weight: int = 400) -> QFont:
        """The text font with digits of one width, so that columns of numbers line up."""
        font = self.font(size, weight=weight)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def colour(self, token: str) -> QColor:
        """A palette colour by its field name."""
        return QColor(getattr(self.palette, token))

    def icon(self, name: str, colour: str = "secondary") -> QIcon:
        """A line icon in the palette colour `colour`; ask again after `changed`.

        Where it is selected only a grey one becomes the accent: the colour of others means something.
        """
        key = (name, colour, self.palette.name)
        if key not in self._icons:
            self._icons[key] = tinted_icon(
                name,
                normal=getattr(self.palette, colour),
                selected=self.palette.accent if colour == "secondary" else getattr(self.palette, colour),
                disabled=self.palette.border_strong,
            )
        return self._icons[key]

    def _is_dark(self) -> bool:
        if self._mode == "system":
            return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def _on_system_changed(self) -> None:
        if self._mode == "system":
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        sizes = {f"font_{k.lower()}": self.px(v) for k, v in vars(FontSize).items() if k.isupper()}
        self._app.setPalette(_qt_palette(self.palette))
        self._app.setStyleSheet(
            self._style.substitute(
                asdict(self.palette),
                **sizes,
                radius=RADIUS,
                mono=MONO_FAMILY,
                icons=resources.path("icons").as_posix(),
            )
        )
        # Last: a style and a style sheet bring back the fonts that a GTK desktop has for kinds of widgets.
        self._app.setFont(self.font())


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget its role in the style sheet, now or later."""
    widget.setProperty("role", role)
    # The first polish comes by itself. Were it brought forward, a font set after it would lose its features.
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _qt_palette(colours: Palette) -> QPalette:
    """What Qt's own drawing (tool tips, selections, placeholder text) needs to fit the palette."""
    palette = QPalette()
    role = QPalette.ColorRole
    for name, colour in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.surface),
        (role.AlternateBase, colours.sunken),
        (role.Text, colours.text),
        (role.PlaceholderText, colours.faint),
        (role.Button, colours.surface),
        (role.ButtonText, colours.text),
        (role.ToolTipBase, colours.surface),
        (role.ToolTipText, colours.text),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.accent_text),
        (role.Link, colours.accent),
        (role.Mid, colours.border),
        (role.Light, colours.surface),
        (role.Dark, colours.border_strong),
    ):
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(colours.border_strong))
    return palette
