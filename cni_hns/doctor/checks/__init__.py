"""One file for each thing that is examined. Each exports its `AREA`."""
