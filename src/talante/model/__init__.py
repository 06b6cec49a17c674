"""From numbers to answers: fitting, the model itself, its files and its registry."""
