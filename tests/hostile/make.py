"""Makes the whole hostile collection from code, always the same: `python tests/hostile/make.py FOLDER`."""

import argparse
import itertools
from pathlib import Path

import hostile_packages
import hostile_pdf
import hostile_pictures
import hostile_tiff
from hostile_case import Case

_FAMILIES = (hostile_pictures, hostile_tiff, hostile_pdf, hostile_packages)


def all_cases() -> list[Case]:
    """Every case of every family."""
    return list(itertools.chain.from_iterable(family.cases() for family in _FAMILIES))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    for number, case in enumerate(all_cases()):
        into = folder / (case.reason or "accepted")
        into.mkdir(parents=True, exist_ok=True)
        (into / f"{number:03d}-{case.name}").write_bytes(case.data)


if __name__ == "__main__":
    main()
