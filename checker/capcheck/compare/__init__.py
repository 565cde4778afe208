"""A manifest against another commit's: what was edited, what that broke, what it costs."""
