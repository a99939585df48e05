CREATE TABLE clients (
	realm        TEXT   NOT NULL,
	id           TEXT   NOT NULL,
	position     BIGINT NOT NULL UNIQUE,
	registration TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	updated      BIGINT NOT NULL,
	removed      BIGINT NOT NULL,
	purge_at     BIGINT NOT NULL,
	PRIMARY KEY (realm, id)
);
CREATE INDEX clients_purge ON clients (purge_at);
INSERT INTO meta (name, value) VALUES ('clients', 0);

CREATE TABLE client_secrets (
	realm     TEXT   NOT NULL,
	client_id TEXT   NOT NULL,
	id        TEXT   NOT NULL,
	digest    TEXT   NOT NULL,
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	last_used BIGINT NOT NULL,
	PRIMARY KEY (realm, client_id, id)
);

CREATE TABLE realms (
	realm    TEXT   NOT NULL PRIMARY KEY,
	position BIGINT NOT NULL UNIQUE,
	switches TEXT   NOT NULL,
	updated  BIGINT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('realms', 0);
