"""The commands behind ``python -m course_lib``, a module for each."""
