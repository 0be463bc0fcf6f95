"""storehealth: audits an online store's exports and says what to do about what it finds."""

__version__ = "0.1.0"
