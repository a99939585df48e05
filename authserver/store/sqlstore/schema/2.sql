CREATE TABLE denials (
	id         TEXT   NOT NULL PRIMARY KEY,
	position   BIGINT NOT NULL UNIQUE,
	kind       TEXT   NOT NULL,
	item       TEXT   NOT NULL,
	issuer     TEXT   NOT NULL,
	not_before BIGINT NOT NULL,
	expires    BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	removed    BIGINT NOT NULL,
	purge_at   BIGINT NOT NULL
);
CREATE INDEX denials_purge ON denials (purge_at);
INSERT INTO meta (name, value) VALUES ('denials', 0);
CREATE TABLE spent (
	id      TEXT   NOT NULL PRIMARY KEY,
	expires BIGINT NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);
INSERT INTO meta (name, value) VALUES ('spent', 0);
