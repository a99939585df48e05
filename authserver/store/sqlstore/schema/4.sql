CREATE TABLE accounts (
	realm            TEXT   NOT NULL,
	service          TEXT   NOT NULL,
	id               TEXT   NOT NULL,
	username         TEXT   NOT NULL,
	password         TEXT   NOT NULL,
	disabled         BIGINT NOT NULL,
	claims           TEXT   NOT NULL,
	version          BIGINT NOT NULL,
	created          BIGINT NOT NULL,
	updated          BIGINT NOT NULL,
	password_changed BIGINT NOT NULL,
	seen             BIGINT NOT NULL,
	purge_at         BIGINT NOT NULL DEFAULT 9223372036854775807,
	PRIMARY KEY (realm, service, id)
);
CREATE UNIQUE INDEX accounts_username ON accounts (realm, service, username) WHERE username <> '';
INSERT INTO meta (name, value) VALUES ('accounts', 0);
CREATE INDEX accounts_purge ON accounts (purge_at);

CREATE TABLE credentials (
	realm     TEXT   NOT NULL,
	service   TEXT   NOT NULL,
	account   TEXT   NOT NULL,
	kind      BIGINT NOT NULL,
	id        TEXT   NOT NULL,
	label     TEXT   NOT NULL,
	data      TEXT   NOT NULL,
	counter   BIGINT NOT NULL,
	created   BIGINT NOT NULL,
	last_used BIGINT NOT NULL,
	PRIMARY KEY (realm, service, account, kind, id)
);
CREATE UNIQUE INDEX credentials_passkey ON credentials (realm, id) WHERE kind = 3;

CREATE TABLE attempts (
	realm    TEXT   NOT NULL,
	kind     BIGINT NOT NULL,
	name     TEXT   NOT NULL,
	source   TEXT   NOT NULL,
	failures BIGINT NOT NULL,
	since    BIGINT NOT NULL,
	until    BIGINT NOT NULL,
	purge_at BIGINT NOT NULL,
	PRIMARY KEY (realm, kind, name, source)
);
CREATE INDEX attempts_purge ON attempts (purge_at);

CREATE TABLE logouts (
	id         TEXT   NOT NULL PRIMARY KEY,
	realm      TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	session_id TEXT   NOT NULL,
	attempts   BIGINT NOT NULL,
	next_at    BIGINT NOT NULL,
	purge_at   BIGINT NOT NULL
);
CREATE INDEX logouts_next ON logouts (next_at);
CREATE INDEX logouts_purge ON logouts (purge_at);

ALTER TABLE sessions ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';

INSERT INTO meta (name, value) VALUES ('credentials', 0);
