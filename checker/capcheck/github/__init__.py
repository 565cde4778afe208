"""What capcheck asks of GitHub and tells it: the only room that talks to a network."""
