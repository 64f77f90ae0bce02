"""BeautifulSoup without its CSS selectors: import it from here. Nobody selects by them, and their patterns take longer
to compile than all of ours."""

from __future__ import annotations

import warnings

from aggregator.hidden import hide_modules

with hide_modules("soupsieve"), warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # that they are not installed
    from bs4 import BeautifulSoup, Tag
    from bs4.element import NavigableString, PreformattedString

__all__ = ["BeautifulSoup", "NavigableString", "PreformattedString", "Tag"]
