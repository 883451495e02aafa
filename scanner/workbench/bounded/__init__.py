"""Two rules (or one) over a bounded domain of values: what they can decide, and where they decide differently."""
