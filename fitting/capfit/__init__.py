"""capfit: fits the predictors' coefficients from measurements and proves them on held-out groups."""
