//go:build race

package introspect_test

// slowdown is how much longer than usual everything may take: the race detector
// takes its part.
const slowdown = 10
