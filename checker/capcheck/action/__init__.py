"""The GitHub Action: inputs from the environment, answers where the runner looks for them."""
