"""Fonts that a PDF names but does not bring along: they are then drawn with what the machine has, or not at all."""

from typing import Any, Final

import pikepdf

#: Every reader has these fourteen (ISO 32000-1, 9.6.2.2).
_STANDARD: Final = {
    *(
        f"/{family}{style}"
        for family in ("Helvetica", "Courier")
        for style in ("", "-Bold", "-Oblique", "-BoldOblique")
    ),
    *(f"/Times-{style}" for style in ("Roman", "Bold", "Italic", "BoldItalic")),
    "/Symbol",
    "/ZapfDingbats",
}
_FILES: Final = ("/FontFile", "/FontFile2", "/FontFile3")


def lacks_any(resources: pikepdf.Object) -> bool:
    """Whether a font of these resources is neither embedded nor one of the standard ones."""
    fonts: Any = resources.get("/Font", {})
    return isinstance(fonts, pikepdf.Dictionary) and any(not _is_there(font) for font in fonts.values())


def _is_there(font: Any) -> bool:  # noqa: ANN401  anything may stand in a broken file
    if not isinstance(font, pikepdf.Dictionary) or str(font.get("/Subtype")) == "/Type3":
        return True
    if str(font.get("/BaseFont")) in _STANDARD:
        return True
    below: Any = font.get("/DescendantFonts")
    if isinstance(below, pikepdf.Array) and len(below) and isinstance(below[0], pikepdf.Dictionary):
        font = below[0]
    descriptor: Any = font.get("/FontDescriptor")
    return isinstance(descriptor, pikepdf.Dictionary) and any(name in descriptor for name in _FILES)
