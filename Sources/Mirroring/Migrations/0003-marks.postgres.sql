CREATE TABLE mirror_mark (
    id BIGINT PRIMARY KEY,
    catalogue BIGINT NOT NULL,
    rights BIGINT NOT NULL
);
INSERT INTO mirror_mark (id, catalogue, rights) VALUES (1, 0, 0);
