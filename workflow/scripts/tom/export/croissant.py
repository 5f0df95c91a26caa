"""Croissant metadata of a data set: what its files and their columns are, for those who load it without this project.

Source: Akhtar et al., Croissant: A Metadata Format for ML-Ready Datasets (arXiv 2403.19546), format 1.0.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tom.core.table_columns import Column

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that format 1.0 prescribes."""


def data_type(column: Column) -> str:
    """The type of a column's values."""
    if column.type.startswith("Float"):
        return "sc:Float"
    return "sc:Integer" if column.type.startswith(("Int", "UInt")) else "sc:Text"


def croissant(name: str, description: str, tables: Mapping[Path, Mapping[str, Column]]) -> dict:
    """The metadata of some Parquet files in one folder, as JSON. tables: file → its columns."""
    files, records = [], []
    for file, columns in tables.items():
        files.append(
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": file.name,
                "contentSize": f"{file.stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
        )
        fields = [
            {
                "@type": "cr:Field",
                "@id": f"{file.stem}/{column}",
                "name": column,
                "description": f"{about.meaning} ({about.unit})" if about.unit else about.meaning,
                "dataType": data_type(about),
                "source": {"fileObject": {"@id": file.name}, "extract": {"column": column}},
            }
            for column, about in columns.items()
        ]
        records.append({"@type": "cr:RecordSet", "@id": file.stem, "name": file.stem, "field": fields})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": files,
        "recordSet": records,
    }
