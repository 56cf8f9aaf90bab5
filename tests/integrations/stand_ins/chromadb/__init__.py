"""What Chroma 1.5.9 publishes of embedding functions, in little: the base class and the register.

The real package brings 370 MB; where it is installed, the tests use it instead.
"""
