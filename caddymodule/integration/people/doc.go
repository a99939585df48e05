// Package people tests the pages that people see: a real Chromium against a real
// Caddy in this process. It is apart from the other tests of integration because it needs a
// browser: where none is installed its tests say so and are skipped, but never in
// continuous integration.
//
// SCREENSHOTS names a directory to write a picture of each page to, in both
// themes, at the width of a phone and of a desktop:
//
//	SCREENSHOTS=/tmp/pages go test -count=1 -run TestScreenshots ./caddymodule/integration/people
package people
