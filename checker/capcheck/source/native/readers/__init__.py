"""One module for each form in which deployments are written down.

A reader has a `NAME`, `recognises(document)` and `read(document, files)`.
"""
