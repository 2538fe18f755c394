"""Measurements behind the cards of the detection chapters, one file each."""
