"""Timings of Sightline and its baselines, paired within one run."""
