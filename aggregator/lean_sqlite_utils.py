"""sqlite-utils without what it only looks for: import it from here.

Where pandas or numpy is installed (the extra `analysis` brings both, and pandas brings pyarrow) sqlite-utils loads it,
only to know the types of its values. None of ours is one; every process would pay 67 MB and 0.2 s for it.
"""

from __future__ import annotations

from aggregator.hidden import hide_modules

with hide_modules("pandas", "numpy"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
