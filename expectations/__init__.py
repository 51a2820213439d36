"""Promise: what every dataset holds, in which unit, and what must be true of it."""
