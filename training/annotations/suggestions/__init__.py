"""Which raw articles are most worth annotating, and what a model makes of them beforehand."""
