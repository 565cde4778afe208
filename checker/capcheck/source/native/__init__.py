"""Deployments as they already stand in Git: Kubernetes, Compose, command lines and so on."""
