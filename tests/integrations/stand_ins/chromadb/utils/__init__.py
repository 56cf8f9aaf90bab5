"""As in Chroma."""
