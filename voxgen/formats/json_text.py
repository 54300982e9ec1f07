"""JSON objects from bytes, with the errors a user can act on."""

from __future__ import annotations

import json
from typing import Any

from ..errors import DataError, LimitError


def parse_json(data: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        DataError: where it is cut off or no JSON object.
        LimitError: where it is nested too deep.
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise LimitError("JSON nested deeper than any building; export the model again") from None
    except ValueError as failure:
        raise DataError(f"no JSON, or cut off: {failure}") from None
    if not isinstance(document, dict):
        raise DataError(f"a JSON {type(document).__name__}, no CityJSON object")
    return document
