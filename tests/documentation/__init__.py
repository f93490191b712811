"""Pages of docs/ that are made from the program, the demo's recording, and what holds all pages true.

`python -m tests.documentation` writes the pages, `python -m tests.documentation.recording` the recording.
"""
