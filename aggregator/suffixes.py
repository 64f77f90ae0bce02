"""Public suffixes: under which names domains are registered, or lent. PURE.

By tldextract and the list in its package; nothing is fetched. Plain names are looked up in that list here, by the same
rules, for the library loads an HTTP client and the whole list twice, in every process; it is asked for odd ones.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LENDERS = ("wordpress.com",)  # who lend subdomains to anybody, besides those of the list's private part
_PLAIN = re.compile(r"(?:(?:(?!xn--)[a-z0-9_-]+\.)*(?!xn--)[a-z0-9_-]+)?")
_PRIVATE_PART = "// ===BEGIN PRIVATE DOMAINS==="
_END = ""  # in a tree of labels: a suffix ends here; no label is empty

Tree = dict[str, Any]  # label → the tree of the labels before it


def find_top_domain(host: str, *, with_lenders: bool = False) -> str:
    """The public suffix of a host name in lower case, with the label before it; "" where there is no such.

    `with_lenders`: those who lend subdomains to anybody count as public suffixes, too.
    """
    if not _PLAIN.fullmatch(host) or not _read_rules():
        return str(_load_library(with_lenders)(host).top_domain_under_public_suffix)
    labels = host.split(".")
    start = _find_start(labels, _plant(labels[-1], with_lenders))
    return ".".join(labels[start - 1 :]) if 0 < start < len(labels) else ""


def _find_start(labels: list[str], tree: Tree) -> int:
    """At which label the public suffix starts; behind the last where there is none."""
    start = len(labels)
    for index in range(len(labels) - 1, -1, -1):
        label = labels[index]
        if label not in tree:
            if "*" in tree:
                return index + 1 if f"!{label}" in tree else index
            break
        tree = tree[label]
        if _END in tree:
            start = index
    return start


@cache
def _plant(top: str, with_lenders: bool) -> Tree:
    """The rules of one top-level domain."""
    root: Tree = {}
    for rule, is_lender in _read_rules().get(top, ()):
        if with_lenders or not is_lender:
            tree = root
            for label in reversed(rule.split(".")):
                tree = tree.setdefault(label, {})
            tree[_END] = {}
    return root


@cache
def _read_rules() -> dict[str, list[tuple[str, bool]]]:
    """top-level domain → its rules, each with whether it is that of a lender; {} where the package has another form."""
    spec = find_spec("tldextract")
    folders = spec.submodule_search_locations if spec else None
    try:
        text = Path(*(folders or ())[:1], ".tld_set_snapshot").read_text(encoding="utf-8")
    except OSError:
        return {}
    public, _, private = text.partition(_PRIVATE_PART)
    rules: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    for part, is_lender in ((public, False), (private, True), ("\n".join(LENDERS), True)):
        for line in part.splitlines():
            if line and not line.startswith("//"):
                rule = line.split()[0]
                rules[rule.rpartition(".")[2]].append((rule, is_lender))
    return dict(rules)


@cache
def _load_library(with_lenders: bool) -> Any:
    import tldextract

    return tldextract.TLDExtract(
        suffix_list_urls=(),
        cache_dir=None,
        include_psl_private_domains=with_lenders,
        extra_suffixes=LENDERS if with_lenders else (),
    )
