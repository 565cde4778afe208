"""Every predictor against measurements that its fit did not see, and the pages that say so.

`speed`, `served`, `stored`, `scaling`, `replayed` and `cost` turn measurements into `rows.Row`s;
`figures` and `gate` summarise them; `record` holds the result, `hashes` what it stands on, `fast`
a part of it again; `page`, `headline`, `targets` and `plots` draw it.
"""
