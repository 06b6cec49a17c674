"""What `benchmarks/performance.py` measures: talante and those that do the same job, each in a process of its own."""
