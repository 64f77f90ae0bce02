"""Finding the ways into a portal, and whether they are any good. PURE but for the spider that asks.

home page ──hints──▶ SiteHints ──candidates──▶ addresses to try ──(spiders.probe)──▶ channels
  ──assessment──▶ Findings ──conclusion──▶ the entry for the catalogue, or the reason and what to try
"""

from __future__ import annotations

from crawler.probing.report import Finding, ProbeJob, ProbeReport, State

__all__ = ["Finding", "ProbeJob", "ProbeReport", "State"]
