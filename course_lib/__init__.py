"""Pixels & Boxes: the library behind the chapters.

Importing it is light: what needs torchvision, matplotlib or scikit-image is
imported in the module that uses it.
"""

__version__ = "0.1.0"


def world(name: str = "harbour", task: str = "segmentation"):
    """The world a chapter looks at: ``"harbour"`` (drawn here) or ``"real"``.

    ``task`` is "segmentation" or "detection": (image, mask) or (image, target).

    Returns:
        A ``course_lib.data.world.World``; see there for shapes and errors.

    Taught in chapters/00_start_here.
    """
    from course_lib.data.world import world as open_world

    return open_world(name, task)
