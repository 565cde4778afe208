"""capfit: fits coefficients from measurements and proves them on held-out groups."""
