"""One file for each layout on disk in which the harbour can be exported.

A layout has a function ``write(name, split, scene, root)``, which writes one picture
with its labels and returns its line of the split's list. Where a split has a list, or
another file of its own, ``finish(root, split, lines, dataset)`` writes it. Label
pictures hold ids, 255 = void, unless the file says otherwise. Two splits go into the
same folder side by side.
"""

LAYOUTS = (
    "voc",
    "coco",
    "cityscapes",
    "ade20k",
    "sbd",
    "person_part",
    "yolo",
    "camvid",
    "penn_fudan",
    "sbu_shadow",
    "lip",
    "nyuv2",
    "lfw_parts",
    "labelme",
    "coco_panoptic",
    "endovis2017",
    "endovis2015",
    "pneumothorax",
)
