"""From a stated deployment to specs and settings in force, each with its origin."""
