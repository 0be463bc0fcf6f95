"""The made-up store behind ``sample_exports/``: its people, goods and warehouses, and what goes wrong in it."""
