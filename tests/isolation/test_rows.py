from tests.isolation.rows import *
import pytest
from tests.isolation.twins import Twins
pytestmark = pytest.mark.asyncio(loop_scope="module")
async def test_sample(twins: Twins, server) -> None:
    for twin in (twins.a, twins.b):
        lacking = [t for t, rows in rows_of(server, twin.tenant_id).items() if not rows]
        print(lacking)
        print({t: len(r) for t, r in rows_of(server, twin.tenant_id).items()})
