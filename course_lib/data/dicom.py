"""Read the X-rays of hospitals, DICOM, as pictures.

A DICOM file holds grey values of 8 to 16 bits and says how to show them: a line from
stored to physical values (rescale), a window of them that becomes black to white, and
whether 0 is black (MONOCHROME2) or white (MONOCHROME1).
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import tv_tensors

from course_lib.errors import InputError


def read_dicom(path: str | Path) -> tv_tensors.Image:
    """Read a DICOM file of one grey picture, as its file says it is to be shown.

    Without a window, all values its bits can hold go from black to white, so that the
    numbers of an 8-bit file stay as they are.

    Returns:
        (3, H, W) uint8, three equal channels.

    Raises:
        InputError: for what is no such file, is damaged or compressed in a way that
            nothing installed undoes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values a header should not hold
        header = _opened(path)
        _check_decoder(header, path)
        try:
            shown = _shown(header)  # (H, W) 0-1
        except Exception as error:  # the decoders raise whatever they like
            raise InputError(
                f"the pixels of {path} cannot be read ({_first_line(error)}); copy or "
                "download it again"
            ) from None
    grey = torch.from_numpy((255 * shown).round().astype(np.uint8))
    return tv_tensors.Image(grey.expand(3, -1, -1).contiguous())


def dicom_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a DICOM picture, from its header alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = _opened(path, pixels=False)
    return header.Rows, header.Columns


def pydicom_module():
    """The library ``pydicom``, of the extra ``data``; or a sentence where it lacks."""
    try:
        import pydicom
    except ImportError:
        raise InputError(
            "DICOM files need pydicom, which is not installed; run "
            "`pip install pydicom`"
        ) from None
    return pydicom


def _opened(path: str | Path, pixels: bool = True):
    """The header of a DICOM file, checked; with ``pixels`` all of the file."""
    pydicom = pydicom_module()
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}; check the name and the folder")
    try:
        header = pydicom.dcmread(path, stop_before_pixels=not pixels)
        fault = _fault(header)
    except Exception as error:  # a damaged header raises many kinds
        raise InputError(
            f"{path} is no DICOM file, or a damaged one ({_first_line(error)}); copy "
            "or download it again"
        ) from None
    if fault:
        raise InputError(f"{path} {fault}")
    return header


def _fault(header) -> str:
    """What is wrong with a header, "" for nothing."""
    kind = header.get("PhotometricInterpretation")
    rows, columns = header.get("Rows") or 0, header.get("Columns") or 0
    if not 0 < rows * columns <= 2 * Image.MAX_IMAGE_PIXELS:
        return f"says its picture is {columns}x{rows}; copy or download it again"
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        return f"is {kind}; give a grey picture, MONOCHROME1 or MONOCHROME2"
    if (header.get("NumberOfFrames") or 1) != 1:
        return f"holds {header.NumberOfFrames} frames; give one picture a file"
    if "ModalityLUTSequence" in header or "VOILUTSequence" in header:
        return "shows its values by a table (LUT); convert it to a window"
    return ""


def _check_decoder(header, path: str | Path) -> None:
    from pydicom.pixels import get_decoder

    syntax = header.file_meta.get("TransferSyntaxUID")
    try:
        fine = syntax is not None and get_decoder(syntax).is_available
    except NotImplementedError:
        fine = False
    if not fine:
        raise InputError(
            f"{path} is compressed as {getattr(syntax, 'name', syntax)}, which nothing "
            "installed undoes; run `pip install pylibjpeg[all]`, or save it "
            "uncompressed"
        )


def _shown(header) -> np.ndarray:
    """(H, W) float, 0 = black, 1 = white."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    values = apply_modality_lut(header.pixel_array, header)
    values = apply_voi_lut(values, header)
    low = -(2 ** (header.BitsStored - 1)) if header.PixelRepresentation else 0
    ends = np.array([low, low + 2**header.BitsStored - 1])
    if "RescaleSlope" in header and "RescaleIntercept" in header:
        ends = ends * header.RescaleSlope + header.RescaleIntercept
    shown = (values - ends.min()) / (ends.max() - ends.min())
    return 1 - shown if header.PhotometricInterpretation == "MONOCHROME1" else shown


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
