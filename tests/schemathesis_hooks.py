"""What no schema can say: a key is for one call, and a deadline is in the future."""

import datetime
import re
import uuid

import schemathesis
from schemathesis.generation.meta import CoverageScenario


@schemathesis.hook
def before_call(context, case, kwargs):
    if getattr(case.meta.phase.data, "scenario", None) == CoverageScenario.MISSING_PARAMETER:
        return  # A header that it lacks on purpose would be given back to it.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[ -~]{1,255}", key):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    deadline = case.body.get("deadline") if isinstance(case.body, dict) else None
    if isinstance(deadline, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", deadline):
        tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        case.body["deadline"] = tomorrow.isoformat(timespec="seconds")
