"""One file for each format of annotations: read it, write it.

``folders`` knows how whole data sets of a format lie on disk, ``convert`` makes one of
another, ``files`` reads and writes text. ``sbd_mat`` and ``panoptic_json`` are about
label pictures, the others about boxes and outlines.

These share ``annotated.Annotated``: boxes in pixels, x2 and y2 one past the last pixel.
What writing and reading again loses of a thing, by format:

==========  ================  =====================  =================================
format      box               outline                crowd, difficult, truncated
==========  ================  =====================  =================================
voc         whole pixels      lost                   a crowd becomes difficult
coco        exact (1e-9 px)   exact                  truncated lost
yolo        1e-6 of a side    lost                   crowds left out, the others lost
labelme     that of outline   exact                  exact
crowdhuman  exact (1e-9 px)   lost                   truncated lost, a crowd its name
odgt        that of outline   as pixels, by class    lost
pairs       that of outline   as pixels, by class    lost
==========  ================  =====================  =================================

``odgt`` and ``pairs`` are label pictures: the objects of a class become one region, and
what is covered by a later one is gone. An object with polygons and run lengths keeps
its run lengths. An area that was told, not counted, is kept by ``coco`` alone.
"""

LOST = {
    "voc": ("polygons", "run_lengths", "crowd"),
    "coco": ("truncated",),
    "yolo": ("polygons", "run_lengths", "difficult", "truncated"),
    "labelme": (),
    "crowdhuman": ("polygons", "run_lengths", "truncated"),
    "odgt": ("crowd", "difficult", "truncated"),
    "pairs": ("crowd", "difficult", "truncated"),
}
NO_CROWDS = ("yolo",)
PAINTED = ("odgt", "pairs")
