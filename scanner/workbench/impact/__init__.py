"""What a change of rules does to an estate: both packs over the same inventory with the same clock, and what got looser."""
