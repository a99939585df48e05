ALTER TABLE grants SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

ALTER TABLE sessions SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE spent SET (autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE meta SET (fillfactor = 20);
