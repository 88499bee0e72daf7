"""The history of the schema: one file a step in ``versions``, forward only; ``app.persistence.migrate`` runs them."""
