"""CPU time of Kabar Kota against other tools, measured side by side: `python -m benchmarks`.

    rows         what each id measures, in which size; report: the table, and the last line of JSON
    contests     runs that take turns, medians of their ratios; meter, tree: CPU time of a process and all it started
    material     pages, feeds and dates: the development data where there are any, else the sample portals'
    topical      which of the pages are on topic, and which are not
    origin       serves pages as portals on loopback, in a process of its own, and publishes more when told
    fetching     pages fetched and thrown away (fetch_ours, fetch_aiohttp)
    steady       polls and pages in a service that runs (warm_cycles, reader_peer, scrapy_peer)
    crawls       whole processes: cycles of ours against Scrapy with the usual libraries (scrapy_peer)
    functions    single functions, run in fresh processes by `loops`; agreement: whether channels are read alike
    ingesting pooling resting timers    one row each
    floor        what the work costs at the least

Not part of the package; nothing of ours imports it.
"""
