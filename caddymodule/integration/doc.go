// Package integration holds the tests that need a whole Caddy: the real binary
// with the shipped Caddyfile, real HTTP, clients that others wrote, reloads
// under load, and raw bytes on an upstream's socket. It has no code of its own.
package integration
