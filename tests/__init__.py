"""Tests, and the programs that run them (`run.py`, `services.py`, `sink.py`)."""
