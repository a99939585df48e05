// Package storetest proves that a store.Store keeps its promises: every method
// and every outcome that the interface names, realms kept apart, and the races
// that decide whether a code or a refresh token can be spent twice, between
// goroutines (Run), between processes (Processes) and across a process that is
// killed at any moment (Crash).
//
// Times are made up, so the suite needs no clock. The environment variable
// STORETEST_ROUNDS multiplies the number of rounds of the races.
package storetest
