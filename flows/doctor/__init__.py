"""`tidemark doctor`: sends small requests to every source, judges the answers, reports the findings."""
