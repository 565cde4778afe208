"""Edits of a manifest as changes of its text: nothing but the edited values is touched."""
