"""One file for each format of annotations: read it, write it."""
