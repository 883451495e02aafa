"""From the world to resources: saved answers and snapshots come in, an `Inventory` comes out. All I/O is in this room."""
