CREATE TABLE mirror_mark (
    id INTEGER PRIMARY KEY,
    catalogue INTEGER NOT NULL,
    rights INTEGER NOT NULL
);
INSERT INTO mirror_mark (id, catalogue, rights) VALUES (1, 0, 0);
