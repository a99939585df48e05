package caddymodule

import "time"

// ForgetLines gives requests their whole allowance of log lines again.
func ForgetLines() { requestLines = newLineLimit(time.Now) }
