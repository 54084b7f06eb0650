"""Where files that travel with the code are: the same in a checkout and in an installed wheel."""

from pathlib import Path

from archive_app.core.errors import Unavailable

_PACKAGE = Path(__file__).resolve().parent


def templates_folder() -> Path:
    """The page templates: inside the package in a wheel, beside it in a checkout. Raises `Unavailable` if neither."""
    for folder in (_PACKAGE / "templates", _PACKAGE.parent / "templates"):
        if folder.is_dir():
            return folder
    raise Unavailable("templates-missing", place=str(_PACKAGE))


def translations_folder() -> Path:
    """Where the catalogues of translations are: inside the package, in a checkout and in a wheel alike."""
    return Path(__file__).parent / "translations"
