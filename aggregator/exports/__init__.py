"""Exports: what analysts ask of the database as files of other programs. Reads only.

exports.toml ─▶ Export ─┐
options ─▶ Question ────┼─▶ rows, as they are read, in one transaction ─▶ CSV, JSON lines, Parquet, SQLite
schema_docs ─▶ Layout ──┘                                                  beside the target ─▶ rename
"""
