// Package faults kills, fills and breaks what the real binary stands on, while
// many clients use it, and sees that nothing is lost that was answered. It has
// no code of its own.
//
// The clients keep a record of all that was acknowledged: an answer that was
// read to its end. After each fault the record is compared with what the binary
// says then, and with what its database holds.
//
// The tests of the continuous integration are short. The same tests are
// commands, with numbers from the environment:
//
//	KILLS=200 go test -v -timeout 2h -run TestF1_F2 ./caddymodule/integration/faults
//	POWERCUTS=50 go test -v -timeout 2h -run TestF3 ./caddymodule/integration/faults
//
// The second needs root and loop devices.
package faults
