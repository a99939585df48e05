package registration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// maxDurationText bounds what ParseDuration reads.
const maxDurationText = 64

// Duration is a span as operators write it: a number of nanoseconds, or a text
// such as "90s", "10m" or "30d", where a day is 24 hours. It is written as
// nanoseconds, as Caddy writes its own.
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		return json.Unmarshal(text, (*time.Duration)(d))
	}
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return err
	}
	span, err := ParseDuration(written)
	*d = Duration(span)
	return err
}

var days = regexp.MustCompile(`[0-9.]+d`)

// ParseDuration reads what time.ParseDuration reads, and days.
func ParseDuration(text string) (time.Duration, error) {
	hours := text
	if len(text) <= maxDurationText {
		hours = days.ReplaceAllStringFunc(text, func(written string) string {
			number, err := strconv.ParseFloat(written[:len(written)-1], 64)
			if err != nil {
				return written
			}
			return strconv.FormatFloat(24*number, 'f', -1, 64) + "h"
		})
	}
	span, err := time.ParseDuration(hours)
	if err != nil {
		return 0, &durationError{text}
	}
	return span, nil
}

// durationError is a text that is no duration.
type durationError struct{ text string }

// Error implements error.
func (e *durationError) Error() string {
	return fmt.Sprintf("%.64q is no duration such as 90s, 10m or 30d", e.text)
}
