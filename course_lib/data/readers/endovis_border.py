"""The black border of the frames of EndoVis 2017: cut off, and put back."""

from torch import Tensor
from torch.nn.functional import pad

from course_lib.errors import InputError

ROWS, COLUMNS = 28, 320  # above and below, left and right, of a 1920x1080 frame


def crop_border(x: Tensor, what: object = "the picture") -> Tensor:
    """Cut off the black border of a frame or label picture.

    Args:
        x: (..., H, W), such as 1080x1920.
        what: its name, for the sentence.

    Returns:
        (..., H - 56, W - 640): rows 28 to 1052 and columns 320 to 1600 of 1080x1920.

    Raises:
        InputError: for one that has no border, or had it cut off before.
    """
    height, width = x.shape[-2:]
    if height <= 2 * ROWS or width <= 2 * COLUMNS or (height, width) == (1024, 1280):
        raise InputError(
            f"{what} is {width}x{height}, not 1920x1080 with a black border; give "
            "crop=False where the border is gone"
        )
    return x[..., ROWS:-ROWS, COLUMNS:-COLUMNS].as_subclass(type(x))


def restore_border(x: Tensor) -> Tensor:
    """Put a border of zeros around what ``crop_border`` left: (..., H + 56, W + 640).

    A mask of 1024x1280 becomes one of 1080x1920, as the challenge takes it.
    """
    return pad(x, (COLUMNS, COLUMNS, ROWS, ROWS)).as_subclass(type(x))
