ALTER TABLE grants SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

ALTER TABLE sessions SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE spent SET (autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE meta SET (fillfactor = 20);

CREATE FUNCTION oauth2_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''caddy_oauth2'', ''''); RETURN NULL; END';

CREATE TRIGGER meta_changed AFTER UPDATE ON meta FOR EACH ROW
	WHEN (NEW.name NOT IN ('schema', 'schema_oldest', 'spent')) EXECUTE FUNCTION oauth2_changed();
