CREATE TABLE grants (
	realm             TEXT   NOT NULL,
	id                TEXT   NOT NULL,
	client_id         TEXT   NOT NULL,
	type              TEXT   NOT NULL,
	account_service   TEXT   NOT NULL,
	account_id        TEXT   NOT NULL,
	subject           TEXT   NOT NULL,
	session_id        TEXT   NOT NULL,
	scope             TEXT   NOT NULL,
	resources         TEXT   NOT NULL,
	redirect_uri      TEXT   NOT NULL,
	code_challenge    TEXT   NOT NULL,
	nonce             TEXT   NOT NULL,
	claims            TEXT   NOT NULL,
	redirect_uri_sent BIGINT NOT NULL,
	acr               TEXT   NOT NULL,
	amr               TEXT   NOT NULL,
	auth_time         BIGINT NOT NULL,
	state             BIGINT NOT NULL,
	code_hash         TEXT   NOT NULL,
	code_expires      BIGINT NOT NULL,
	redeemed          BIGINT NOT NULL,
	generation        BIGINT NOT NULL,
	refresh_key       TEXT   NOT NULL,
	rotated_at        BIGINT NOT NULL,
	idle_expires      BIGINT NOT NULL,
	expires           BIGINT NOT NULL,
	created           BIGINT NOT NULL,
	purge_at          BIGINT NOT NULL,
	PRIMARY KEY (realm, id)
);
CREATE INDEX grants_purge ON grants (purge_at);

CREATE TABLE revocations (
	position BIGINT NOT NULL PRIMARY KEY,
	realm    TEXT   NOT NULL,
	kind     BIGINT NOT NULL,
	item     TEXT   NOT NULL,
	expires  BIGINT NOT NULL,
	UNIQUE (realm, kind, item)
);
CREATE INDEX revocations_expires ON revocations (expires);
INSERT INTO meta (name, value) VALUES ('revocations', 0);

CREATE TABLE sessions (
	realm           TEXT   NOT NULL,
	digest          TEXT   NOT NULL,
	id              TEXT   NOT NULL,
	kind            BIGINT NOT NULL,
	account_service TEXT   NOT NULL,
	account_id      TEXT   NOT NULL,
	subject         TEXT   NOT NULL,
	auth_time       BIGINT NOT NULL,
	acr             TEXT   NOT NULL,
	amr             TEXT   NOT NULL,
	created         BIGINT NOT NULL,
	idle_expires    BIGINT NOT NULL,
	expires         BIGINT NOT NULL,
	purge_at        BIGINT NOT NULL,
	PRIMARY KEY (realm, digest)
);
CREATE INDEX sessions_purge ON sessions (purge_at);

CREATE TABLE consents (
	realm     TEXT   NOT NULL,
	subject   TEXT   NOT NULL,
	client_id TEXT   NOT NULL,
	kind      BIGINT NOT NULL,
	item      TEXT   NOT NULL,
	added     BIGINT NOT NULL,
	place     BIGINT NOT NULL,
	updated   BIGINT NOT NULL,
	PRIMARY KEY (realm, subject, client_id, kind, item)
);

CREATE TABLE keys (
	realm     TEXT   NOT NULL,
	id        TEXT   NOT NULL,
	purpose   TEXT   NOT NULL,
	algorithm TEXT   NOT NULL,
	state     BIGINT NOT NULL,
	wrapped   TEXT   NOT NULL,
	created   BIGINT NOT NULL,
	PRIMARY KEY (realm, id)
);
CREATE UNIQUE INDEX keys_active ON keys (realm, purpose, algorithm) WHERE state = 1;

CREATE TABLE remembered (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE leases (
	name  TEXT   NOT NULL PRIMARY KEY,
	owner TEXT   NOT NULL,
	until BIGINT NOT NULL
);
