"""Animations of the front door: ``python chapters/figures/animations.py 03 13``.

One function a chapter of the spine, in ``segmentation.py`` and ``detection.py``. Each
turns the dial of its chapter on pictures of the harbour, with the shipped weights and
the kept cards; nothing is trained, nothing drawn by hand. They play three times and
rest on their last frame, which is the poster, ``NN.png``. About two minutes in all;
made again on one machine, the files are the same to the byte.
"""

import sys

import detection
import segmentation
import torch

from course_lib.teaching import setup

MAKE = {
    name[-2:]: function
    for film in (segmentation, detection)
    for name, function in vars(film).items()
    if name.startswith("chapter_")
}

if __name__ == "__main__":
    setup(seed=0)
    torch.set_grad_enabled(False)
    for number in sys.argv[1:] or sorted(MAKE):
        MAKE[number]()
