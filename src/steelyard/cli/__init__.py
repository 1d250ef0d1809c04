"""The command line: a thin door over the services. Bodies of commands are imported when they are called."""
