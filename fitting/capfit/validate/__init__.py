"""Every predictor against measurements that its fit did not see, and the pages that say so.

`speed`, `served`, `stored`, `scaling`, `replayed` turn measurements into `rows.Row`s; `figures` and
`gate` summarise them; `record` holds the result; `page`, `plots` and `summary` draw it.
"""
