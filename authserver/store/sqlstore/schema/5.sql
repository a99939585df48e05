ALTER TABLE revocations ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN sweep BIGINT NOT NULL DEFAULT 0;
CREATE INDEX revocations_sweep ON revocations (sweep) WHERE sweep > 0;
CREATE INDEX grants_subject ON grants (realm, subject, id);
CREATE INDEX grants_client ON grants (realm, client_id, id);
CREATE INDEX grants_session ON grants (realm, session_id, id) WHERE session_id <> '';
CREATE INDEX sessions_subject ON sessions (realm, subject, id);
CREATE INDEX sessions_id ON sessions (realm, id);
