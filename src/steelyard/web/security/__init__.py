"""What stands between a browser and the pages, each guard in a module of its own."""
