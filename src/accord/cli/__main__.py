"""`python -m accord.cli`, for launchers that take a module: `torchrun --nproc-per-node 2 -m accord.cli fit ...`."""

from __future__ import annotations

from accord.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
