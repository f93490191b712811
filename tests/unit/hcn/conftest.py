"""The scripted service of the binding's tests."""

from tests.unit.binding.conftest import log as log
from tests.unit.binding.conftest import scripted as scripted
from tests.unit.binding.conftest import service as service
