ALTER TABLE keys ADD COLUMN wrapped_by TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN purge_at BIGINT NOT NULL DEFAULT 9223372036854775807;
UPDATE keys SET since = created;
CREATE UNIQUE INDEX keys_next ON keys (realm, purpose, algorithm) WHERE state = 3;
CREATE INDEX keys_position ON keys (position);
CREATE INDEX keys_purge ON keys (purge_at);
INSERT INTO meta (name, value) VALUES ('keys', 0);

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

ALTER TABLE revocations ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN sweep BIGINT NOT NULL DEFAULT 0;
CREATE INDEX revocations_sweep ON revocations (sweep) WHERE sweep > 0;
-- Only statements that repeat its condition can take such an index. Of a new table
-- PostgreSQL has no statistics: it would take any that begins with the realm to be as
-- good as the primary key, and walk the realm.
CREATE INDEX grants_subject ON grants (realm, subject, id) WHERE subject <> '';
CREATE INDEX grants_client ON grants (realm, client_id, id) WHERE client_id <> '';
CREATE INDEX grants_session ON grants (realm, session_id, id) WHERE session_id <> '';
CREATE INDEX sessions_subject ON sessions (realm, subject, id) WHERE subject <> '';
CREATE INDEX sessions_id ON sessions (realm, id) WHERE id <> '';

CREATE TABLE audit (
	id         TEXT   NOT NULL PRIMARY KEY,
	at         BIGINT NOT NULL,
	expires    BIGINT NOT NULL,
	event      TEXT   NOT NULL,
	outcome    TEXT   NOT NULL,
	actor      TEXT   NOT NULL,
	realm      TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	grant_id   TEXT   NOT NULL,
	session_id TEXT   NOT NULL,
	grant_type TEXT   NOT NULL,
	scope      TEXT   NOT NULL,
	source     TEXT   NOT NULL,
	node       TEXT   NOT NULL,
	details    TEXT   NOT NULL
);
CREATE INDEX audit_expires ON audit (expires);
CREATE INDEX audit_subject ON audit (subject, id);
