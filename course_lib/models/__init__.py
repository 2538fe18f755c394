"""Networks: blocks, one file per paper, a registry by name.

``build("dilated_fpn", num_classes=11)`` makes one; ``known()`` lists them.
"""

from course_lib.models.registry import build, known

__all__ = ["build", "known"]
