"""accord: one embedding space that all your tasks agree on."""
