"""SIIM-ACR pneumothorax: a DICOM file a picture, in grey; a row of the table a buoy.

Several buoys are several rows of one picture, none is -1. The rows of "val" stand
first, as the pictures that are held out do in the real table.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from course_lib.data.dicom import pydicom_module
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import write_lines
from course_lib.data.run_lengths import encode

BUOY = 11
HEAD = "ImageId, EncodedPixels"  # with the space, as in the original
ORDER = ("val", "train", "test")


def write(name: str, split: str, scene: Scene, root: Path) -> list[str]:
    """One DICOM file; returns the picture's rows of the table."""
    number = int(name.rsplit("_", 1)[1])
    study, series, image = (uid(split, number, level) for level in (1, 2, 3))
    path = root / f"dicom-images-train/{study}/{series}/{image}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.asarray(Image.fromarray(scene.image).convert("L"))
    dicom_of(grey, study, series, image).save_as(path, enforce_file_format=True)
    buoys = scene.ids[scene.labels == BUOY]
    codes = [encode(scene.instance_map == buoy, "siim") for buoy in buoys]
    return [f"{image},{code}" for code in codes or ["-1"]]


def uid(split: str, *numbers: int) -> str:
    """A DICOM name: pydicom's root, the split, and more such as picture and level."""
    root = pydicom_module().uid.PYDICOM_ROOT_UID
    return root + ".".join(map(str, (ORDER.index(split) + 1, *numbers)))


def dicom_of(grey: np.ndarray, study: str, series: str, image: str):
    """A DICOM data set of a grey picture (H, W), uint8 or uint16, not compressed."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = image
    header.SOPClassUID, header.SOPInstanceUID = SecondaryCaptureImageStorage, image
    header.StudyInstanceUID, header.SeriesInstanceUID = study, series
    header.Modality, header.PatientID = "CR", "harbour"
    header.Rows, header.Columns = grey.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 8 * grey.itemsize
    header.HighBit, header.PixelRepresentation = header.BitsStored - 1, 0
    header.PixelData = np.ascontiguousarray(grey).tobytes() + b"\0" * (grey.nbytes % 2)
    return header


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the rows of the split into the table, beside those of other splits."""
    path = root / "train-rle.csv"
    old = path.read_text(encoding="utf-8").splitlines()[1:] if path.is_file() else []
    rows = [row for rows in lines for row in rows]
    by_split = {
        part: [row for row in old if row.startswith(uid(part) + ".")] for part in ORDER
    }
    by_split[split] = rows
    write_lines(path, [HEAD, *(row for part in ORDER for row in by_split[part])])
