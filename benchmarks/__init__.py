"""CPU time of Kabar Kota against other tools, measured side by side: `python -m benchmarks`.

    material     pages, feeds and dates: the development data where there are any, else the sample portals'
    origin       serves pages as portals on loopback, in a process of its own
    crawls       contests of whole processes: a cycle of ours against Scrapy with the usual libraries (scrapy_peer)
    functions    contests of single functions, run in fresh processes by `loops`
    contests     runs that take turns, medians of their ratios; meter: CPU time of a process and all it started
    report       the table, and the last line of JSON

Not part of the package; nothing of ours imports it.
"""
