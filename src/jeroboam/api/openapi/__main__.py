"""`python -m jeroboam.api.openapi FOLDER`: write the documents. `make openapi` keeps those in docs/api."""

import json
import sys
from pathlib import Path

from .documents import Document, documents


def text(document: Document) -> str:
    """A document as its file holds it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
        (folder / f"{name}.json").write_text(text(document))
