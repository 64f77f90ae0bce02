"""The API: `/api/v1`, JSON for programs. Reads only.

    request ─▶ FastAPI reads its parameters ─▶ rows of the store ─▶ telling (pure) ─▶ models ─▶ JSON, or 304
                       └▶ problems (RFC 9457): what is wrong with which parameter, in Indonesian or English

`openapi.py` describes it (OpenAPI 3.1); the words are in words/api.toml, the examples in examples.json.
"""
