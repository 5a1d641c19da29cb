"""Gives each call a key of its own: one that was used with another body is refused, as it should be."""

import re
import uuid

import schemathesis
from schemathesis.generation.meta import CoverageScenario


@schemathesis.hook
def before_call(context, case, kwargs):
    # A case that lacks a header would be completed again.
    lacks_header = getattr(case.meta.phase.data, "scenario", None) == CoverageScenario.MISSING_PARAMETER
    key = (case.headers or {}).get("Idempotency-Key")
    if not lacks_header and isinstance(key, str) and re.fullmatch("[ -~]{1,255}", key):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
