"""How fast one engine copy is: the law of a step, of a prefill, and how sure we are of both."""
