"""`tidemark doctor`: asks every source a little, judges the answers, reports what it found."""
