"""What changed since an earlier scan: two scans come in, the newer one with every row marked comes out.

`against` (Scan x baseline -> Scan), `why` (what can be said of the reason), `sarif` (a SARIF file of ours as a baseline).
"""
