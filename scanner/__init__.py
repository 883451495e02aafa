"""acrscan: rules and an inventory come in, verdicts and reports go out."""

__version__ = "0.1.0"
