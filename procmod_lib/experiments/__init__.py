"""Presets, pretraining settings, the grid of runs behind each chapter, and the claims."""
