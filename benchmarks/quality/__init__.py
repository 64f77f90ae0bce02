"""How well pages are read, against pinned floors: `python -m benchmarks.quality`.

    labelled     the pages, and what a good reader finds on them
    readers      our extraction with and without profiles, other tools; all give a Reading
    measure      Reading + LabelledPage ─▶ PageScore ─▶ the figures of a set
    floors       floors.toml: what each figure must reach; floors are raised by the command and lowered by nobody
    gate         runs ours over the sets and judges the figures
    speed        CPU time against trafilatura; printed, not judged
    report       tables for people, one line of JSON for programs

Every figure is a share between 0 and 1, and more is better. Not part of the package; nothing of ours imports it.
"""
