"""Fetch PASCAL VOC 2012: shows terms, size, citation; --help lists options."""

import sys

from course_lib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["data", "fetch", "voc2012", *sys.argv[1:]]))
