import subprocess
import sys

from gitopsc import __version__


def test_version_is_answered() -> None:
    done = subprocess.run([sys.executable, "-m", "gitopsc", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"gitopsc {__version__}\n"
