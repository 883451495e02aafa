"""Accepted findings: a waiver file and a scan come in, the scan with every row marked comes out.

`read` (file -> Register), `apply` (Scan x Register -> Scan; the one function that scan, report, impact and tests use),
`matching` (what covers a row), `standing` (what counts today), `checks` (waivers that are themselves findings),
`exemptions` (Azure Policy, both ways), `edit` (adding to and pruning a file without touching the rest of it).
"""
