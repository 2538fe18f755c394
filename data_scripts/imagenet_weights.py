"""Fetch torchvision's ImageNet weights that chapter 02 can use."""

import sys

from course_lib.data.catalogue import CATALOGUE
from course_lib.data.fetching import script

if __name__ == "__main__":
    sys.exit(script([name for name in CATALOGUE if name.endswith(".pth")], __doc__))
