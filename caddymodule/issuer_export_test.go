package caddymodule

import (
	"context"
	"errors"
)

// RefreshIssuers has all foreign issuers read again.
func RefreshIssuers(ctx context.Context) error {
	var failures []error
	issuerPool.Range(func(_, pooled any) bool {
		failures = append(failures, pooled.(*pooledIssuer).remote.RefreshNow(ctx))
		return true
	})
	return errors.Join(failures...)
}

// RunningStorages counts the configurations in whose storage keys can be kept.
func RunningStorages() int {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	return len(runningStorages.all)
}
