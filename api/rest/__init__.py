"""The REST face: `/v1/...` in JSON.

`operations` is the table of everything the face offers; routing, the OpenAPI document and the tests read the same table.
"""
