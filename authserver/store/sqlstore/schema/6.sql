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
