package login

import (
	"strings"
	"testing"
)

// Members are written by their first letters: S, R, Q for requisite and O; what
// they say as y, n and ? for one that cannot answer.
func TestChainsSettle(t *testing.T) {
	criteria := map[rune]Criterion{'S': Sufficient, 'R': Required, 'Q': Requisite, 'O': Optional}
	verdicts := map[rune]verdict{'y': yes, 'n': no, '?': unknown}
	for _, test := range []struct {
		chain, said string
		want        outcome
		member      int
	}{
		{"SR", "", unsettled, -1},
		{"SR", "y", granted, 0},
		{"SR", "n", unsettled, -1},
		{"SR", "ny", granted, 1},
		{"SR", "nn", refused, -1},
		// A service that is away turns no right password into a wrong one, and
		// signs nobody in.
		{"SR", "?", unsettled, -1},
		{"SR", "?y", granted, 1},
		{"SR", "?n", faulted, 0},
		{"SR", "n?", faulted, 1},
		{"SR", "??", faulted, 0},
		{"SS", "?n", faulted, 0},
		{"SS", "n?", faulted, 1},
		{"SS", "nn", refused, -1},
		{"S", "y", granted, 0},
		{"S", "?", faulted, 0},
		// All that is required must say yes; the first of it says who it is.
		{"RR", "y", unsettled, -1},
		{"RR", "yy", granted, 0},
		{"RR", "yn", refused, -1},
		{"RR", "n", unsettled, -1},
		{"RR", "ny", refused, -1},
		{"RR", "n?", refused, -1},
		{"RR", "?n", refused, -1},
		{"RR", "?y", faulted, 0},
		{"RS", "yy", granted, 0},
		{"RS", "yn", granted, 0},
		{"RS", "y?", granted, 0},
		{"RS", "ny", refused, -1},
		{"RS", "?y", faulted, 0},
		// A requisite ends the chain with its no.
		{"QS", "n", refused, -1},
		{"QS", "?", faulted, 0},
		{"QR", "yy", granted, 0},
		{"RQ", "n?", refused, -1},
		{"RQ", "nn", refused, -1},
		{"SQS", "?n", faulted, 0},
		// An optional one counts when nothing else does.
		{"O", "y", granted, 0},
		{"O", "n", refused, -1},
		{"O", "?", faulted, 0},
		{"OO", "ny", granted, 1},
		{"OO", "yy", granted, 0},
		{"OR", "yn", refused, -1},
		{"OR", "yy", granted, 1},
		{"OR", "?y", granted, 1},
		{"OS", "yn", granted, 0},
		{"OS", "yy", granted, 1},
		{"OS", "y?", granted, 0},
	} {
		var chain []Criterion
		for _, letter := range test.chain {
			chain = append(chain, criteria[letter])
		}
		var said []verdict
		for _, letter := range test.said {
			said = append(said, verdicts[letter])
		}
		if got, member := settle(chain, said); got != test.want || member != test.member {
			t.Errorf("%s %q: outcome %d of member %d, want %d of %d", test.chain, test.said, got, member, test.want, test.member)
		}
	}
}

// What a chain of three may never do, whatever its members are and say.
func TestChainsNeverGrantWithoutAYes(t *testing.T) {
	for n := range 4 * 4 * 4 * 3 * 3 * 3 {
		var chain []Criterion
		var said []verdict
		text := ""
		for range 3 {
			chain, n = append(chain, Criteria[n%4]), n/4
		}
		for range 3 {
			said, n = append(said, verdict(n%3)), n/3
		}
		for i, criterion := range chain {
			text += " " + string(criterion) + "=" + []string{"no", "yes", "unknown"}[said[i]]
		}
		got, member := settle(chain, said)
		switch got {
		case unsettled:
			t.Errorf("%s: unsettled though all have spoken", text)
		case granted:
			if said[member] != yes {
				t.Errorf("%s: the account of one that did not say yes", text)
			}
			for i, criterion := range chain[:member] {
				if said[i] != yes && (criterion == Required || criterion == Requisite) {
					t.Errorf("%s: granted without a yes that is required", text)
				}
			}
		case faulted:
			if said[member] != unknown {
				t.Errorf("%s: the fault of one that answered", text)
			}
		case refused:
			if !strings.Contains(text, "=no") {
				t.Errorf("%s: refused though nobody said no", text)
			}
		}
	}
}
