"""Other tools doing the same work, each written as a competent user of it would."""
