"""The latency model against a simulation of the same server and against measured load."""
