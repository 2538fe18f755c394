"""Training YOLO: labels, anchors, targets, losses, augmentation; chapter 15.

In a map of YOLO a *slot* is one anchor in one cell: the place of one possible box.
"""
