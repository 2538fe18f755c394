"""Faster, Mask and Keypoint R-CNN: their parts taught, the whole from torchvision."""
