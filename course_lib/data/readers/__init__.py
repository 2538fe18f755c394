"""One file for each data set on disk.

Beside them: ``pairs``, what readers of pictures with label pictures build on;
``own_files``, how ``own_folder`` writes; ``endovis_border``, what ``endovis2017`` cuts
off.
"""
