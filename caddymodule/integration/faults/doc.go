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
//	KILLS=200 go test -count=1 -v -timeout 2h -run 'TestF1_|TestF32' ./caddymodule/integration/faults
//	FILLS=20 go test -count=1 -v -timeout 2h -run 'TestF4|TestF5' ./caddymodule/integration/faults
//	ROLLS=50 go test -count=1 -v -timeout 2h -run TestF17_ ./caddymodule/integration/faults
//	POWERCUTS=50 go test -count=1 -v -timeout 2h -run TestF3_ ./caddymodule/integration/faults
//
// The last needs root and loop devices, and is nothing but a command.
package faults
