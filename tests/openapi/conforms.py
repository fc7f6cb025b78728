"""Holds answers of the API to its document: each status is one that the operation names,
each body is of its type and schema, and no object in it has a key that the document does not
name. Reads `{"document": …, "answers": [{"operation", "status", "type", "body"}]}` from
standard input, prints what does not conform, and ends with 1 where something does not.
"""

import json
import sys

import jsonschema_rs


def closed(schema, is_part=False):
    """The same, but for keys that it does not name; parts of a whole are closed with it."""
    if isinstance(schema, list):
        return [closed(one, is_part) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {}
    for key, value in schema.items():
        if key in ("properties", "schemas"):
            inner[key] = {name: closed(one) for name, one in value.items()}
        elif key in ("allOf", "oneOf", "anyOf"):
            # The alternatives of a whole are wholes, those of a part are parts.
            inner[key] = closed(value, is_part or key == "allOf")
        else:
            inner[key] = closed(value)
    if ("properties" in schema or "allOf" in schema) and "additionalProperties" not in schema and not is_part:
        inner["unevaluatedProperties"] = False
    return inner


def complaints(document, schemas, answer):
    method, path = answer["operation"].split(" ")
    named = document["paths"][path][method.lower()]["responses"].get(str(answer["status"]))
    if named is None:
        yield "the operation does not name this status"
        return
    if "$ref" in named:
        named = document["components"]["responses"][named["$ref"].rsplit("/", 1)[1]]
    if "content" not in named:
        if answer["body"]:
            yield f"there is a body: {answer['body']}"
        return
    if answer["type"] not in named["content"]:
        yield f"the type {answer['type']!r} is none of {list(named['content'])}"
        return
    schema = {**closed(named["content"][answer["type"]]["schema"]), "components": {"schemas": schemas}}
    for error in jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(json.loads(answer["body"])):
        yield f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"


def main():
    asked = json.load(sys.stdin)
    document, schemas = asked["document"], closed(asked["document"]["components"]["schemas"])
    found = [
        f"{answer['operation']} {answer['status']}: {complaint}"
        for answer in asked["answers"] for complaint in complaints(document, schemas, answer)
    ]
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
