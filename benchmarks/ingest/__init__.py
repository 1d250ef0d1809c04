"""How fast uses are taken in, and whether what was taken in adds up."""
