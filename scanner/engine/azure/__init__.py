"""Azure Policy's own semantics: conditions of imported definitions are decided here, and nowhere else.

Reading: docs/azure-policy.md says what absent, null, text that looks like a number, an empty list and `[*]` mean.
"""
