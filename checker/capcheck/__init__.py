"""capcheck: the pre-merge gate for LLM deployments."""

__version__ = "0.1.0"
