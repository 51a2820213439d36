"""The pages: the brief, completeness and the checks, with their templates and charts."""
