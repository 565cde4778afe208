"""Cheaper configurations that surely pass."""
