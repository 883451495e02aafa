"""The door: arguments come in, calls go out, and an exit code with its reason comes back. The only room that prints."""
