"""The C side of the simulated service: function pointers with the ABI of the real DLLs.

Everything C data is in here: UTF-16 texts, GUID structures, handles, and buffers that the caller must free.
"""
