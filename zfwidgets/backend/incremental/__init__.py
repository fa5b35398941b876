"""Recompute only what a changed rectangle changes."""
