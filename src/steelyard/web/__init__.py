"""The web application: pages rendered on the server, thin doors over the services."""
