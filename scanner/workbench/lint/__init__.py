"""Lint: packs, waivers and profiles come in, problems come out. One module a family of checks; the folder is their list."""
