"""``python -m procmod_lib`` is the command line, also installed as ``procmod``."""

import sys

from procmod_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
