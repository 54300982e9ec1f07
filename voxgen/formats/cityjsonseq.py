"""CityJSONSeq (https://www.cityjson.org/cityjsonseq): one JSON object a line, metadata first, then features.

Each feature has its own vertices; transform, reference system and templates are those of the first line. A
damaged line costs its own buildings only.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import DataError
from .building import Building
from .cityjson import no_buildings, open_model, read_objects
from .finish import failed
from .json_text import parse_json
from .options import ReadOptions
from .source import SourceFile


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a CityJSON sequence.

    Raises:
        DataError: where the first line is no CityJSON.
        LimitError: where the file exceeds a limit.
    """
    lines = iter(file.read_bytes(options.limits).splitlines())
    document = parse_json(next(lines, b""))
    model = open_model(document)
    count = 0
    for number, line in enumerate((b"", *lines), start=1):
        try:
            if number == 1:
                feature = document
            elif not line.strip():
                continue
            else:
                feature = parse_json(line)
                if feature.get("type") != "CityJSONFeature":
                    raise DataError(f"JSON of type {str(feature.get('type'))[:40]!r}, no CityJSONFeature")
            for building in read_objects(file, options, model, feature, model.transform):
                count += 1
                yield building
        except DataError as failure:
            count += 1
            yield failed(file, f"line {number}: {failure}", f"{file.stem}-line-{number}")
    if not count:
        raise DataError(no_buildings(model))
