package authserver

import "context"

// ReadLogs does once what Run does every second.
func (b *Backend) ReadLogs(ctx context.Context) {
	b.read(ctx)
	_ = b.clients.noteUses(ctx)
}
