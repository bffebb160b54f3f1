"""Workloads measured as ratios to floors in the same run: `make bench` (W=W1,W4 selects)."""
