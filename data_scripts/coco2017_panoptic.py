"""Fetch COCO 2017 panoptic: shows terms, size, citation; --help lists options."""

import sys

from course_lib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["data", "fetch", "coco2017_panoptic", *sys.argv[1:]]))
