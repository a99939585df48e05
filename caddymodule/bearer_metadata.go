package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// RFC 9728

// checkMetadata finds what is wrong with the resource.
func (b *BearerAuth) checkMetadata() error { return nil }

// provisionMetadata makes the metadata document of the resource.
func (b *BearerAuth) provisionMetadata(caddy.Context, *App) error { return nil }

// publishes answers requests for the documents that bearer_auth itself
// publishes, and says whether this was one.
func (b *BearerAuth) publishes(http.ResponseWriter, *http.Request) bool { return false }
