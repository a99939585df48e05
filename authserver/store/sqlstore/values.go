package sqlstore

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// never is the stored form of an end that does not come, so that "is it over"
// is one comparison in every statement.
const never = math.MaxInt64

// seconds is the stored form of a moment; the zero time is 0.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// moment reads what seconds wrote.
func moment(stored int64) time.Time {
	if stored == 0 {
		return time.Time{}
	}
	return time.Unix(stored, 0).UTC()
}

// end is the stored form of an expiry; the zero time means never.
func end(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.Unix()
}

// ending reads what end wrote.
func ending(stored int64) time.Time {
	if stored == never {
		return time.Time{}
	}
	return time.Unix(stored, 0).UTC()
}

// list is the stored form of a list of texts: JSON.
func list(values []string) (string, error) {
	if len(values) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(values)
	return string(text), err
}

// listed reads what list wrote. An empty list is nil.
func listed(stored string) ([]string, error) {
	if stored == "[]" {
		return nil, nil
	}
	// Without an escape every quote is JSON's own, two between one text and the next.
	// Nearly all lists are so, and each refresh reads three.
	if inner, ok := strings.CutPrefix(stored, `["`); ok && !strings.Contains(inner, `\`) {
		inner, ok = strings.CutSuffix(inner, `"]`)
		values := strings.Split(inner, `","`)
		if ok && strings.Count(inner, `"`) == 2*(len(values)-1) {
			return values, nil
		}
	}
	var values []string
	if err := json.Unmarshal([]byte(stored), &values); err != nil {
		return nil, fmt.Errorf("a stored list is not JSON: %w", err)
	}
	return values, nil
}

// number is the stored form of a truth value.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
