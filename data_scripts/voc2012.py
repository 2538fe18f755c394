"""Fetch PASCAL VOC 2012; --about shows its terms, size, citation and tree."""

import sys

from course_lib.data.fetching import script

if __name__ == "__main__":
    sys.exit(script(["voc2012"], __doc__))
