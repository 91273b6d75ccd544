"""Every shade carries the text, and its ends stay apart for every kind of eye."""

from itertools import pairwise

import numpy as np
import pytest

from app.inspector.tokens.shades import STEPS, ramps, shades
from app.shell.palette import DARK, LIGHT, Palette, contrast

BOTH = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Björn Ottosson's Oklab, from linear RGB."""
    cone = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(cone @ np.clip(rgb, 0, 1))


def apart(first: str, second: str, matrix: object = None) -> float:
    seen = [
        linear(colour) if matrix is None else np.array(matrix) @ linear(colour) for colour in (first, second)
    ]
    return float(np.linalg.norm(oklab(seen[0]) - oklab(seen[1])))


@BOTH
def test_text_is_readable_on_every_shade(palette: Palette) -> None:
    found = ramps(palette)
    for ramp in (found.raised, found.lowered, found.unlikely):
        assert len(ramp) == STEPS + 1 and ramp[0] == palette.surface
        for shade in ramp:
            assert contrast(palette.text, shade) >= 4.5
    # A token of the template is written in the second text colour, which shows on the outer shades too.
    for shade in (found.raised[-1], found.lowered[-1], found.unlikely[-1]):
        assert contrast(palette.secondary, shade) >= 3.0


@BOTH
def test_bars_show_on_the_surface_and_on_their_shade(palette: Palette) -> None:
    found = ramps(palette)
    for bar, ramp in ((found.raised_bar, found.raised), (found.lowered_bar, found.lowered)):
        assert contrast(bar, palette.surface) >= 3.0
        assert contrast(bar, ramp[-1]) >= 2.0


@BOTH
@pytest.mark.parametrize("kind", [None, *BLINDNESS])
def test_raised_and_lowered_stay_apart(palette: Palette, kind: str | None) -> None:
    found = ramps(palette)
    assert apart(found.raised[-1], found.lowered[-1], BLINDNESS.get(kind or "")) > 0.1


@BOTH
def test_both_directions_are_equally_strong(palette: Palette) -> None:
    found = ramps(palette)
    strengths = [apart(palette.surface, ramp[-1]) for ramp in (found.raised, found.lowered)]
    assert max(strengths) / min(strengths) < 1.35
    for ramp in (found.raised, found.lowered):
        distances = [apart(palette.surface, shade) for shade in ramp]
        assert all(first <= second for first, second in pairwise(distances))


def test_shades_follow_the_scale_and_end_with_it() -> None:
    found = shades(np.array([0.0, 1.0, -2.0, 9.0, np.nan, 0.1]), 2.0, signed=True)
    assert found.steps.tolist() == [0, STEPS // 2, STEPS, STEPS, 0, round(0.05 * STEPS)]
    assert found.bars.tolist() == [0, 1, -1, 1, 0, 0]
    assert found.counted.tolist() == [True, True, True, True, False, True]


def test_log_probs_have_no_bars() -> None:
    found = shades(np.array([-1.0, -4.0]), 4.0, signed=False)
    assert found.bars.tolist() == [0, 0] and found.steps.tolist() == [STEPS // 4, STEPS]
