ALTER TABLE keys ADD COLUMN wrapped_by TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN purge_at BIGINT NOT NULL DEFAULT 9223372036854775807;
UPDATE keys SET since = created;
CREATE UNIQUE INDEX keys_next ON keys (realm, purpose, algorithm) WHERE state = 3;
CREATE INDEX keys_position ON keys (position);
CREATE INDEX keys_purge ON keys (purge_at);
INSERT INTO meta (name, value) VALUES ('keys', 0);
