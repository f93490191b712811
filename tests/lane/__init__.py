"""What the tests need from outside: released programs, Wine with a Windows Python, our built programs.

`python -m tests.lane` makes it from nothing in one folder (`CNI_HNS_LANE`, else the user's cache folder).
"""

from tests.lane.lane import Lane, Missing

__all__ = ["Lane", "Missing"]
