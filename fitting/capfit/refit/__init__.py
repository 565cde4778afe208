"""A user's own measurements blended into the coefficients: `capfit refit`."""
