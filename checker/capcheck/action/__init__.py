"""The GitHub Action's step: inputs from the environment, answers where the runner looks for them."""
