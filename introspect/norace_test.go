//go:build !race

package introspect_test

// slowdown is how much longer than usual everything may take.
const slowdown = 1
