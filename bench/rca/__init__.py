"""Root cause ranking measured on labelled incidents: one loader a data set, all replayed through the agents."""
