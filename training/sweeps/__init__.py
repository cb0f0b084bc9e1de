"""Several trainings as one: with several seeds, over folds of the articles, or in search of better settings."""
