"""Checking the rules themselves: their inline tests, lint, documents and scaffolds."""
