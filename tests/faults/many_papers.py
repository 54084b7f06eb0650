"""Many different papers of the few that the recorded engine knows: equal pictures, no two files alike."""

from pathlib import Path

from houses import samples

#: Single pages in JPEG: forms of several types that are read and described without doubt, and some that are not.
_KNOWN = ("0001", "0004", "0005", "0007", "0008", "0010", "0013", "0018", "0021", "0025", "0027", "0030")
_COMMENT = b"\xff\xfe"  # COM, ITU-T T.81 B.2.4.5: its length counts itself


def many_papers(folder: Path, times: int) -> list[Path]:
    """Every known picture so many times in the folder, each file with a comment of its own after the start of image."""
    known = [path for path in samples(*_KNOWN) if path.suffix == ".jpg"]
    made = []
    for number, path in enumerate(known * times, start=1):
        text = f"paper {number:06}".encode()
        whole = path.read_bytes()
        target = folder / f"{number:06}.jpg"
        target.write_bytes(whole[:2] + _COMMENT + (len(text) + 2).to_bytes(2, "big") + text + whole[2:])
        made.append(target)
    return made
