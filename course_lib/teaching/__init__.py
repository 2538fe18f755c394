"""What every chapter uses: set-up, checked claims and checked exercises."""

from course_lib.teaching.check import check
from course_lib.teaching.claim import claim
from course_lib.teaching.setup import setup

__all__ = ["check", "claim", "setup"]
