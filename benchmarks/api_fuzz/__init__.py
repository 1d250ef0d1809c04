"""Requests made up from the API's own document, as everybody who may send any: none may be a fault."""
