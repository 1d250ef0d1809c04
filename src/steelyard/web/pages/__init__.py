"""Page modules: each has a `router`, and `web/app.py` names them."""
