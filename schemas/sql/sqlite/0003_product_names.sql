-- The names of a tenant's products as the ERP last gave them, as one JSON document: read whole, written whole.
CREATE TABLE product_names (
    tenant TEXT NOT NULL PRIMARY KEY, names BLOB NOT NULL, kept_at INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID;
