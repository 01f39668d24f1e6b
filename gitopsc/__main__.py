"""``python -m gitopsc``."""

from gitopsc.cli.main import main

main()
