"""The manifest: what a user states about a deployment, with the place of every statement."""
