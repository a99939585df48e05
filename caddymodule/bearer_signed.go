package caddymodule

import (
	"sync/atomic"
	"time"
)

// signed is a signed text that is used again until half of its life is left.
type signed struct{ kept atomic.Pointer[signedText] }

type signedText struct {
	text  string
	until time.Time
}

// at gives the text that is good now. sign makes another one, and says from when
// to when it is good.
func (s *signed) at(now time.Time, sign func() (text string, issued, expires time.Time, err error)) (string, error) {
	if kept := s.kept.Load(); kept != nil && now.Before(kept.until) {
		return kept.text, nil
	}
	text, issued, expires, err := sign()
	if err != nil {
		return "", err
	}
	s.kept.Store(&signedText{text, issued.Add(expires.Sub(issued) / 2)})
	return text, nil
}
