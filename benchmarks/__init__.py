"""Measurements of the app's parts; each module prints one table."""
