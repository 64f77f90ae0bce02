"""What analysts are given beside the file: questions to it, and Datasette over it.

Datasette comes with the extra `analysis`: `site` and `plugin` alone import it; all else is pure.
"""
