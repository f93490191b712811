"""Stand-ins for Windows' DLLs, and Windows programs that use them."""
