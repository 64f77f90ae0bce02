"""Reading archives back. PURE, but for the spider that asks (`crawler.spiders.archive`).

plan      which ways into an archive to go, the cheapest first
address   what to ask for at a position
dating    how old what an archive lists is
walking   what follows from an answer: wanted articles, the next position, or the end
report    what the crawl process is asked and answers
"""
