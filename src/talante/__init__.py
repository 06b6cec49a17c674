"""talante tags news and opinion articles by topic and by stance toward named targets."""

__version__ = "0.1.0"
