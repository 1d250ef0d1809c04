"""OpenID Connect as its clients speak it: discovery, codes for tokens, keys, and what an ID token must be."""
