"""Engine command lines: from argv lists and shell lines to facts. Nothing is ever executed."""
