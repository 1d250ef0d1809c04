"""The source of the Python client's documents and operations, made of the API's own document.

`python -m steelyard.api.client_source` writes both files again (`make client`); a test holds them against this.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from steelyard.api.nouns import openapi

DOCUMENTS, OPERATIONS = "documents.py", "operations.py"
_MADE = "Made by `make client` from the API's document; not edited by hand."
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_STREAM = "text/event-stream"
_JSON = "application/json"
_ZIP = "application/zip"
_WIDTH = 112

Json = Mapping[str, Any]


def sources() -> dict[str, str]:
    """The two files' text by name, as the formatter leaves it. Raises CalledProcessError without ruff."""
    document = openapi()
    made = {DOCUMENTS: _documents(document), OPERATIONS: _operations(document)}
    return {name: _formatted(text) for name, text in made.items()}


def _formatted(text: str) -> str:
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        told = [ruff, *command, "--stdin-filename", "src/steelyard/client/made.py", "-"]
        # The formatter beside this Python, of whose arguments none is from outside.
        text = subprocess.run(told, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text


def _documents(document: Json) -> str:
    schemas: Mapping[str, Json] = document["components"]["schemas"]
    parts = [
        f'"""The documents of the API, as JSON has them: identifiers and times are texts.\n\n{_MADE}\n"""',
        "from __future__ import annotations",
        "from typing import Any, Literal, NotRequired, TypedDict",
    ]
    for name, schema in schemas.items():
        if "properties" in schema:
            parts.append("\n".join(_typed_dict(name, schema)))
        else:
            parts.append(f"{name} = {type_of(schema, '')}")
    return "\n\n".join(parts) + "\n"


def _typed_dict(name: str, schema: Json) -> Iterator[str]:
    needed = set(schema.get("required", ()))
    yield f"class {_class(name)}(TypedDict):"
    yield textwrap.indent(_docstring(schema.get("description", f"See the API's {name}.")), "    ")
    yield ""
    for field, one in schema["properties"].items():
        kind = type_of(one, "")
        yield f"    {field}: {kind if field in needed else f'NotRequired[{kind}]'}"


def type_of(schema: Json, module: str = "documents.") -> str:
    """A schema as Python writes its type; `module` stands before names of documents."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[1]
        return module + _class(name) if name in openapi()["components"]["schemas"] else "str"
    if "enum" in schema or "const" in schema:
        allowed: Sequence[object] = schema["enum"] if "enum" in schema else [schema["const"]]
        return f"Literal[{', '.join(map(repr, allowed))}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one, module) for one in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema['items'], module)}]" if "items" in schema else "list[Any]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {type_of(cast('Json', values), module) if isinstance(values, dict) else 'Any'}]"
    return _PLAIN.get(str(kind), "Any")


def _operations(document: Json) -> str:
    parts = [
        f'"""The operations of the API, each as a method of its name.\n\n{_MADE}\n"""',
        "from __future__ import annotations",
        "from collections.abc import Iterator, Mapping",
        "from typing import TYPE_CHECKING, Any, Literal, cast",
        "from steelyard.client.paths import filled",
        "if TYPE_CHECKING:\n    from steelyard.client import documents",
        'class Operations:\n    """What is sent by `send`, which a client has."""',
        _SEND,
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/x-protobuf" in content:
                continue
            if _STREAM in _answer(operation).get("content", {}):
                continue
            parts.append("\n".join(_method(method.upper(), path, operation)))
            # A part's pages are within its value.
            if any(one["name"] == "after" for one in operation["parameters"]) and "parts" not in operation["tags"]:
                parts.append("\n".join(_pages(operation, document)))
    return "\n\n".join(parts) + "\n"


_SEND = '''    def send(
        self,
        method: str,
        path: str,
        *,
        template: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        once: bool = False,
        key: str | None = None,
    ) -> Any:
        """Send a request and return its answer, None without one. Raises SteelyardError."""
        raise NotImplementedError'''


def _answer(operation: Json) -> Json:
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))


def _method(method: str, path: str, operation: Json) -> Iterator[str]:
    in_path, in_query, once = _parameters(operation)
    content = operation.get("requestBody", {}).get("content", {})
    given = ["self", *(f"{_name(one)}: str" for one in in_path)]
    if content:
        given.append(_body_parameter(operation["requestBody"]))
    keywords = [_keyword(one) for one in in_query]
    if once:
        keywords.append("idempotency_key: str | None = None")
    if keywords:
        given += ["*", *keywords]
    answered = _answer(operation).get("content", {}).get(_JSON, {}).get("schema")
    answer = "None" if answered is None else type_of(answered)
    yield f"    def {operation['operationId']}({', '.join(given)}) -> {answer}:"
    yield textwrap.indent(_docstring(_said(operation)), "        ")
    names = ", ".join(f"{_name(one)}={_name(one)}" for one in in_path)
    place = f"filled({path!r}, {names})" if in_path else repr(path)
    sent = [repr(method), place, f"template={path!r}"]
    if in_query:
        sent.append("query={" + ", ".join(f"{one['name']!r}: {_name(one)}" for one in in_query) + "}")
    if content:
        sent.append("body=body")
    if once:
        sent.append("once=True, key=idempotency_key")
    call = f"self.send({', '.join(sent)})"
    yield f"        {call}" if answer == "None" else f"        return cast({answer!r}, {call})"


def _pages(operation: Json, document: Json) -> Iterator[str]:
    """An iterator over every page of a list."""
    in_path, in_query, _ = _parameters(operation)
    page = _resolved(_answer(operation)["content"][_JSON]["schema"], document)
    items = next(field for field, one in page["properties"].items() if one.get("type") == "array")
    kind = type_of(page["properties"][items]["items"])
    name = str(operation["operationId"])
    given = ["self", *(f"{_name(one)}: str" for one in in_path)]
    kept = [one for one in in_query if one["name"] != "after"]
    given += ["*", *(_keyword(one) for one in kept)]
    passed = [*map(_name, in_path), *(f"{_name(one)}={_name(one)}" for one in kept), "after=after"]
    yield f"    def every_{name.removeprefix('list_')}({', '.join(given)}) -> Iterator[{kind}]:"
    yield f'        """Each one that `{name}` lists, page by page of `limit`."""'
    yield "        after: str | None = None"
    yield "        while True:"
    yield f"            page = self.{name}({', '.join(passed)})"
    yield f"            yield from page[{items!r}]"
    yield '            after = page["next"]'
    yield "            if after is None:"
    yield "                return"


def _parameters(operation: Json) -> tuple[list[Json], list[Json], bool]:
    """(those of the path, those of the query, whether it takes an Idempotency-Key)."""
    every: list[Json] = operation["parameters"]
    once = any(one["in"] == "header" and one["name"].lower() == "idempotency-key" for one in every)
    return [one for one in every if one["in"] == "path"], [one for one in every if one["in"] == "query"], once


def _body_parameter(body: Json) -> str:
    kind = type_of(body["content"][_JSON]["schema"])
    packed = " | bytes" if _ZIP in body["content"] else ""
    return f"body: {kind}{packed}" if body["required"] else f"body: {kind}{packed} | None = None"


def _keyword(one: Json) -> str:
    kind = type_of(one["schema"])
    if one.get("required"):
        return f"{_name(one)}: {kind}"
    return f"{_name(one)}: {kind if 'None' in kind.split(' | ') else kind + ' | None'} = None"


def _class(name: str) -> str:
    """`Page_Version_`, as a page of them is called in the document, is `VersionPage`."""
    return re.sub(r"^Page_(\w+)_$", r"\1Page", name)


def _name(one: Json) -> str:
    return re.sub(r"\W", "_", one["name"])


def _resolved(schema: Json, document: Json) -> Json:
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _said(operation: Json) -> str:
    more = operation.get("description", "")
    return f"{operation['summary']}." + (f"\n\n{more}" if more else "")


def _docstring(said: str) -> str:
    """As the code writes one, wrapped."""
    first, *others = said.replace("\\", "\\\\").strip().split("\n\n")
    parts = [textwrap.fill(" ".join(part.split()), _WIDTH - 8, break_long_words=False) for part in (first, *others)]
    whole = "\n\n".join(parts)
    return f'"""{whole}\n"""' if "\n" in whole else f'"""{whole}"""'


if __name__ == "__main__":
    folder = Path(__file__).parent.parent / "client"
    for name, text in sources().items():
        (folder / name).write_text(text, encoding="utf-8")
