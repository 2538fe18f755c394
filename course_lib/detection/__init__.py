"""Boxes, anchors, average precision, R-CNN, Darknet and YOLO; chapters 12 to 15.

A sample is (image uint8 (3, H, W), target), as ``data.targets.target_of`` makes it.
A detector takes a list of pictures, float (3, H, W) in 0 to 1: it gives a dict of
losses in training, a list of ``boxes``, ``labels``, ``scores`` in evaluation.
"""
