"""The colours of the design system can be read: contrast is computed from the tokens, light and dark."""

import re
from pathlib import Path

import pytest

from archive_app.web import frame

CSS = (Path(frame.__file__).parent / "static" / "css" / "archive.css").read_text("utf-8")
GROUNDS = ("paper", "surface", "sunken")
WORDS = ("soft", "blue", "cinnabar", "moss", "amber")


def _tokens(selector: str) -> dict[str, str]:
    block = CSS[CSS.index(selector + " {") :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[: block.index("}")]))


LIGHT, DARK = _tokens(":root"), _tokens(':root[data-theme="dark"]')
themes = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_greatest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@themes
def test_text_is_read_at_seven_to_one(tokens: dict[str, str]) -> None:
    assert [ground for ground in GROUNDS if contrast(tokens["ink"], tokens[ground]) < 7] == []


@themes
def test_secondary_text_and_states_are_read_at_four_and_a_half_to_one(tokens: dict[str, str]) -> None:
    pairs = [(word, ground) for word in WORDS for ground in GROUNDS]
    pairs += [(word, f"{word}-tint") for word in ("blue", "cinnabar", "moss", "amber")]
    pairs += [
        ("ink", "mark"),
        ("ink", "blue-tint"),
        ("soft", "blue-tint"),
        ("on-blue", "blue"),
        ("on-blue", "blue-hover"),
    ]
    assert [pair for pair in pairs if contrast(tokens[pair[0]], tokens[pair[1]]) < 4.5] == []


@themes
def test_edges_of_controls_are_seen_at_three_to_one(tokens: dict[str, str]) -> None:
    assert [ground for ground in ("paper", "surface") if contrast(tokens["control-line"], tokens[ground]) < 3] == []


def test_both_ways_into_the_dark_have_the_same_tokens() -> None:
    assert _tokens('  :root:not([data-theme="light"])') == DARK
    assert set(DARK) <= set(LIGHT)
