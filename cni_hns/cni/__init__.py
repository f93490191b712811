"""The CNI wire, without I/O: variables, configuration documents, results of each version, error documents."""
