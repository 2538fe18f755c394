"""Darknet's nets: cfg and weights files read and written, pictures to boxes.

``cfg`` (text) -> ``plan`` (sizes, by ``kinds``) -> ``network`` (``layers``,
``heads``) -> ``weights`` (floats) -> ``detector`` (``letterbox``, net, ``decode``).
Chapter 14.
"""
