"""The node as a verb meets it: HNS, ledger and clock, the HCN network of a configuration, and its plan."""
