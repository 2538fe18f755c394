"""One file for each data set on disk; what they share is in ``pairs``."""
