"""Whole jobs: what a command does, without the command line."""
