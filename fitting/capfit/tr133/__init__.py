"""TR133's own procedure on its own raw files, and its forms as baselines.

`records` reads the files, `names` normalises model names, `split` draws train and validation sets,
`planner` holds the six forms, `fit` fits them, `validate` computes TR133's metrics and spot checks.
`baselines` applies the forms, with the coefficients that TR133 printed, to any configuration.
What TR133 does not print is inferred, and said where it is.
"""
