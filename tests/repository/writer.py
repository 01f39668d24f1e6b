"""A process that builds: ``writer.py REPOSITORY ROOT ENVIRONMENT APPLICATION FIRST LAST``, a commit for each number."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.repository.scene import build, one


def main() -> None:
    """Build."""
    repository, root, environment, application, first, last = sys.argv[1:]
    for number in range(int(first), int(last) + 1):
        published = build(Path(repository), Path(root), one(f"1.0.{number}", environment, application))
        print(number, published.revision, flush=True)


if __name__ == "__main__":
    main()
