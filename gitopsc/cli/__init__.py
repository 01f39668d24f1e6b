"""Words of a command line → one call of a story → words and an exit status. The only room that prints, exits and reads the environment."""
