"""Native files as deployments: by a manifest's `from` and `command`, or by themselves."""
