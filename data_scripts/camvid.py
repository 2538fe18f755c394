"""Fetch CamVid; --about shows its terms, size, citation and expected tree."""

import sys

from course_lib.data.fetching import script

if __name__ == "__main__":
    sys.exit(script(["camvid"], __doc__))
