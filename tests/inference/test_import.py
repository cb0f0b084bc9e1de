from __future__ import annotations

import subprocess
import sys

OPTIONAL = {"fastapi", "mlflow", "pyarrow", "pydantic", "ray", "rich", "spacy", "torch", "transformers", "zstandard"}


def test_the_package_loads_what_it_needs_and_no_more() -> None:
    code = "import sys; import hadath; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert loaded >= {"numpy", "onnxruntime", "tokenizers"}
    assert not loaded & OPTIONAL
    # what only records need is loaded with the first of them
    assert not loaded & {"hadath.dates", "hadath.places", "hadath.html", "hadath.batch"}
