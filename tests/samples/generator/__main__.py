"""`python -m tests.samples.generator --set demo|heldout --out DIR [--count N] [--seed N]`."""

import argparse
from pathlib import Path

from tests.samples.generator import demo, heldout
from tests.samples.generator.build import build


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.samples.generator", description=__doc__)
    parser.add_argument("--set", choices=("demo", "heldout"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=60, help="papers of the held-out set")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.set == "demo":
        build(demo.files(), asked.out, demo.SEARCHES)
    else:
        build(heldout.files(count=asked.count, seed=asked.seed), asked.out)


if __name__ == "__main__":
    main()
