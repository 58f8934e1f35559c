"""The driver of the benchmark: starts servers and programs, collects, computes, prints, draws."""
