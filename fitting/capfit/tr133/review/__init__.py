"""docs/tr133.md: what of TR133 holds, what was corrected, and what nobody can test.

`finding` is one line of the page, `ours` asks the checker, `targets`, `claims`, `spot_checks`,
`method`, `tables`, `cross_checks` and `examples` go through the report, `page` puts them together.
"""
