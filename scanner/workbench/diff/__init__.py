"""What changed between two packs, told by what it means for those who use them, and the version that asks for."""
