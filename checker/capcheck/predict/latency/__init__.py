"""Latency under load: one engine copy as a server that runs many requests together."""
