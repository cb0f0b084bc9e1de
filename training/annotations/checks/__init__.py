"""What can be wrong or doubtful in a corpus, one module for each kind of question."""
