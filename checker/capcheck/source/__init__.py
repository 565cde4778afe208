"""Hostile-input readers: bytes in, values with positions out."""
