"""What the OpenAPI document says beyond the schemas: forms with files, pictures, bytes, and problems as they come."""

from typing import Any

_PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
_BYTES = {"type": "string", "format": "binary"}
_WORDS = {
    "401": "No token, or one that is unknown, revoked or expired",
    "404": "Nothing there, or nothing that the caller may see or act on",
    "503": "A part of the archive does not answer now; `Retry-After` says when to ask again",
}
_MORE = {
    ("/api/v1/intake", "post"): {
        "409": "The batch is signed off",
        "422": "Something in the form cannot be used",
    }
}
_WHAT_IT_GIVES = {
    "/api/v1/components/{component_id}": "*/*",
    "/api/v1/records/{record_id}/pages/{number}/image": "image/*",
}
_INTAKE_FORM = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "items": _BYTES, "description": "Any name of a field does; each file has its own."},
        "batch": {"type": "string", "description": "An open batch to go on with; otherwise a new one."},
        "fonds": {"type": "string", "description": "Code; may be left out where only one is within scope."},
        "source": {"type": "string", "description": "The desk it comes from."},
        "declared_pages": {"type": "integer", "minimum": 0},
    },
}


def complete(document: Any) -> Any:  # noqa: ANN401 - a dictionary, which the framework does not promise
    """The document as its framework made it, made true."""
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            _complete(operation, path, verb)
    form = {"multipart/form-data": {"schema": _INTAKE_FORM}}
    document["paths"]["/api/v1/intake"]["post"]["requestBody"] = {"required": True, "content": form}
    return document


def _complete(operation: dict[str, Any], path: str, verb: str) -> None:
    answers = operation["responses"]
    for status, words in {**_WORDS, **_MORE.get((path, verb), {})}.items():
        answers.setdefault(status, {})["description"] = words
    for status, answer in answers.items():
        if not status.startswith("2"):
            answer["content"] = {"application/problem+json": {"schema": _PROBLEM}}
        elif path in _WHAT_IT_GIVES:
            answer["content"] = {_WHAT_IT_GIVES[path]: {"schema": _BYTES}}
