"""Bytes that follow from a model's shapes: its weights in a format, its KV cache, their shards."""
