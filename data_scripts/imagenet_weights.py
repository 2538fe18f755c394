"""Fetch torchvision's ImageNet weights; add vgg16-397923af.pth ... for larger ones."""

import sys

from course_lib.__main__ import main

SMALLEST = "squeezenet1_0-b66bff10.pth"

if __name__ == "__main__":
    sys.exit(main(["data", "fetch", SMALLEST, *sys.argv[1:]]))
