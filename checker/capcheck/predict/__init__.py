"""The predictors: pure functions from specs and settings to estimates."""
