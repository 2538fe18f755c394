"""Data: worlds, readers, class tables, transforms, the label checker, the catalogue.

Every segmentation sample is (image uint8 (3, H, W), mask int64 (H, W)), 255 = void.
"""
