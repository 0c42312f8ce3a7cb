"""The drill: a storm of questions while everything dies, and a count of what became of each question."""
