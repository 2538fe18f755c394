"""Fetch COCO128: shows terms, size, citation; --help lists options."""

import sys

from course_lib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["data", "fetch", "coco128", *sys.argv[1:]]))
