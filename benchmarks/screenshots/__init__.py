"""Pictures of every page of the web application, in both themes, for docs/screenshots."""
