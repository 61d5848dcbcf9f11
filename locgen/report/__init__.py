"""The report: schema, figures, tables and pictures."""
