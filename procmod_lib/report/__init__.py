"""What a page says: statistics, figures, tables, sentences, a notebook's head."""
