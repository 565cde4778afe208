"""Device memory of one GPU, by the way an engine takes it."""
