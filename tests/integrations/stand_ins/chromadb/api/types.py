"""`EmbeddingFunction` as Chroma 1.5.9 declares it: `__call__` is wrapped and checked, queries fall back to it."""

from abc import abstractmethod
from typing import Any, Protocol, TypeVar

import numpy as np

D = TypeVar("D", contravariant=True)


class EmbeddingFunction(Protocol[D]):
    @abstractmethod
    def __call__(self, input: D) -> Any: ...

    def embed_query(self, input: D) -> Any:
        return self.__call__(input)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        call = cls.__call__

        def checked(self: Any, input: Any) -> Any:
            result = call(self, input)
            assert isinstance(result, list)
            assert result
            assert all(isinstance(row, np.ndarray) and row.dtype == np.float32 and row.ndim == 1 for row in result)
            return result

        cls.__call__ = checked

    def default_space(self) -> str:
        return "l2"

    def supported_spaces(self) -> list[str]:
        return ["cosine", "l2", "ip"]

    def is_legacy(self) -> bool:
        found = (self.name(), self.get_config(), self.build_from_config(self.get_config()))
        return any(value is NotImplemented for value in found)
