"""Rows of `meeting_probabilities`: a good one, rows that break each check, and rows as they happened."""

from datetime import date

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "meeting_date": date(2024, 12, 18),
        "outcome": "cut_25",
        "venue": "kalshi",
        "probability": 0.6,
        "price_basis": "trade",
        "outcomes": 2,
    },
    breaking={
        "probability is between 0 and 1": [{"probability": 74.0}],
        "outcome is a move in basis points": [{"outcome": "C25"}],
        "the meeting is not over": [{"meeting_date": date(2020, 1, 29)}],
        "outcomes is 1 or more": [{"outcomes": 0}],
        "price_basis is one that we know": [{"price_basis": "previous"}],
        "the probabilities of a meeting add up to at most 1.25": [{"probability": 0.7}, {"outcome": "hold"}],
    },
    rows_that_break={"the probabilities of a meeting add up to at most 1.25": 2},
    true_history={
        "hardly possible": [{"outcome": "hike_over_50", "probability": 0.005, "price_basis": "quotes"}],
        "certain": [{"outcome": "hold", "probability": 1.0}],
        "the day of the meeting": [{"meeting_date": date(2024, 12, 1)}],
        "a margin": [{"probability": 0.75}, {"outcome": "hold", "probability": 0.3}],
    },
)
