"""How well a model does with how many annotated articles, for each way of choosing them."""
