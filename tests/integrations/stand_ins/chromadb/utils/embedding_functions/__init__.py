"""The register of embedding functions, as Chroma 1.5.9 has it."""

known_embedding_functions = {}


def register_embedding_function(ef_class):
    known_embedding_functions[ef_class.name()] = ef_class
    return ef_class


def config_to_embedding_function(config):
    if config["name"] not in known_embedding_functions:
        raise ValueError(f"Unsupported embedding function: {config['name']}")
    return known_embedding_functions[config["name"]].build_from_config(config.get("config", {}))
