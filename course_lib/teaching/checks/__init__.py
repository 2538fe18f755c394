"""teaching checks."""
