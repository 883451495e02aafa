"""From rules and resources to verdicts: pure, total, without a clock and without I/O."""
