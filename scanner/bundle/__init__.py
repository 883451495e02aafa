"""Packs as one file: a pack's folder comes in, an archive with a manifest goes out; and back, checked before it is used.

`gather` (a folder's files), `manifest`, `archive` (bytes out), `opening` (hostile bytes in), `check` (what holds and what does
not), `lock` (digests that were trusted once), `artifact` (the OCI manifest), `registry` with `credentials` (push and pull),
`layout` (the same in a folder).
"""
