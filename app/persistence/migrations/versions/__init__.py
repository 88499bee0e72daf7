"""One module a revision. A step that has been released is never edited; the next one corrects it."""
