"""Records: a data set in a few large files that are read from front to back.

``write`` puts samples into shards, which are tar files; ``codec`` says what a sample
looks like in one; ``index`` knows where each begins. ``data.readers.records`` reads any
of them by its number, ``stream`` all in shuffled batches; ``check`` finds damage.
"""
