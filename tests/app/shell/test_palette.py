"""Colours that everybody can read."""

import pytest

from app.shell.palette import DARK, LIGHT, Palette, contrast

TEXTS = ("text", "secondary", "faint", "chosen", "rejected", "good", "warning", "danger", "accent")
SURFACES = ("window", "surface", "sunken")
PAIRS = (
    *((text, surface) for text in TEXTS for surface in SURFACES),
    ("text", "hover"),
    ("secondary", "hover"),
    ("text", "accent_soft"),
    ("accent_text", "accent"),
    ("accent_text", "accent_hover"),
    ("chosen", "chosen_soft"),
    ("rejected", "rejected_soft"),
    ("text", "warning_soft"),
    ("danger", "danger_soft"),
    *((f"code_{kind}", "sunken") for kind in ("keyword", "string", "number", "name", "comment")),
)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
@pytest.mark.parametrize(("text", "surface"), PAIRS)
def test_text_reaches_aa(palette: Palette, text: str, surface: str) -> None:
    assert contrast(getattr(palette, text), getattr(palette, surface)) >= 4.5


def test_contrast_of_the_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == pytest.approx(1.0)
