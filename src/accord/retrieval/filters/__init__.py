"""Filters: which documents a search may find, by their fields.

```python
store.search("how do I return a parcel?", where="year >= 2020 and lang = 'en'")
store.search("how do I return a parcel?", where=(Field("year") >= 2020) & (Field("lang") == "en"))
```

| | passes when |
|---|---|
| `=` `==` `!=` `<>` | the value is equal, or not |
| `<` `<=` `>` `>=`, `between 1 and 5` | a number by size; a string by code points, so ISO dates by time |
| `in ('en', 'de')` | it equals one of them |
| `like 'intro%'` | a string has this form: `%` any characters, `_` one, ASCII letters in either case |
| `contains 'x'` | a string has this part, or a list this element |
| `is null` | the key is missing, or its value is null |

Tests are joined by `and`, `or`, `not` and parentheses; `not` stands before `in`, `between`, `like` and `contains` too.
Fields are `id`, `title`, `text` and the keys of the metadata, `a.b` for a key inside an object; odd names go in double
quotes, strings in single ones.

Every test is true or false. It is false of a document that lacks the key, where it is null, or where the value is of
another kind than the one it is compared with (`year = '2020'` never holds of a number); `not` and `!=` turn that round,
so `lang != 'en'` holds where there is no `lang`. A list passes when one of its elements does.

A field that no document has is an error, and so is one that only ever holds values of another kind: a slip of the pen
would otherwise look like an empty store. Filters become SQL with parameters; nothing of their text is executed.

Differs from SQL: two truth values, lists, no comparison of fields with fields, and no arithmetic. Whole numbers of more
than 64 bits are compared as float64. A string in the metadata that holds a NUL character ends there.
"""

from __future__ import annotations

from accord.retrieval.filters.field import Field
from accord.retrieval.filters.parser import parse
from accord.retrieval.filters.sql import Condition, condition
from accord.retrieval.filters.tree import And, Between, Compare, Contains, Filter, IsNull, Like, Not, OneOf, Or

__all__ = [
    "And",
    "Between",
    "Compare",
    "Condition",
    "Contains",
    "Field",
    "Filter",
    "IsNull",
    "Like",
    "Not",
    "OneOf",
    "Or",
    "condition",
    "parse",
]
