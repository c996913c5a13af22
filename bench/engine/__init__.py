"""Speed and memory of the analysis on made-up load, the same in every run."""
