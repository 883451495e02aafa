"""Reports that can be checked years later: what was written, from what, and how to do it again.

`files` (digests, SHA256SUMS), `manifest` (what a run was made of), `statement` (the same as an in-toto statement),
`check` (a folder comes in, what holds and what does not comes out). Nothing here signs: that is other tools' work.
"""
