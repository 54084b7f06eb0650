"""A viewing copy (浏览件) as PDF of a document without pages of its own, made by LibreOffice where it is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from ingest.opening import sniff

_PROGRAMS: Final = ("soffice", "libreoffice")
_PATH: Final = "/usr/bin:/usr/local/bin:/opt/libreoffice/program"
_SUFFIX: Final = {sniff.DOCX: ".docx", sniff.XLSX: ".xlsx"}


def program() -> str | None:
    """LibreOffice, if it is here."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name, path=_PATH))), None)


def make(path: Path, media_type: str, target: Path, *, seconds: float) -> str | None:
    """Write the copy and return its media type, or None where nothing here can make one.

    LibreOffice runs in the confinement of the child that calls it, with a profile that is thrown away.
    """
    office, suffix = program(), _SUFFIX.get(media_type)
    if office is None or suffix is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"document{suffix}"
        shutil.copyfile(path, source)
        command = [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore"]
        command += ["--convert-to", "pdf", "--outdir", folder, os.fspath(source)]
        try:
            subprocess.run(  # noqa: S603  a fixed program; the file has a name of ours
                command,
                check=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"HOME": folder, "PATH": _PATH, "LANG": "C.UTF-8"},
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError):
            return None
        made = source.with_suffix(".pdf")
        if not made.is_file():
            return None
        shutil.move(made, target)
    return sniff.PDF
