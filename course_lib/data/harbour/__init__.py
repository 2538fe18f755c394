"""The harbour: a drawn world whose every difficulty is a dial."""

from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.export import export
from course_lib.data.harbour.things_only import THINGS, HarbourThings

__all__ = ["THINGS", "Dials", "Harbour", "HarbourThings", "Scene", "export"]
