"""How good a set of generated buildings is, measured against buildings that no model has seen."""
