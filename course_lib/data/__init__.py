"""Data: worlds, readers, class tables, transforms, the label checker, the catalogue.

``harbour`` and ``pocket`` are the course's own pictures, ``catalogue`` says what can be
fetched, ``readers`` open data sets on disk, ``formats`` read and write annotations,
``records`` put a data set into few large files.

Every segmentation sample is (image uint8 (3, H, W), mask int64 (H, W)), 255 = void.
"""
