"""Timings of Sightline against its baselines, paired in one run."""
