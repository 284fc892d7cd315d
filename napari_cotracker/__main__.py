"""``python -m napari_cotracker`` is the command line."""

import sys

from napari_cotracker.cli import main

sys.exit(main())
