"""The coefficients file: assembled from fits, with what chose and what tested them beside it."""
