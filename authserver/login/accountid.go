package login

import (
	"errors"
	"fmt"
)

// MaxSubjectChars bounds sub (OpenID Connect Core §2).
const MaxSubjectChars = 255

// CheckID holds the id of an account to what sub may be (OpenID Connect Core §2:
// at most 255 ASCII characters), the name of its service before it included. A
// colon stands between the two, so that an id with one could be taken for
// another's.
func CheckID(service, id string) error {
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e || id[i] == ':' {
			return errors.New("an id is printable ASCII without a colon, since it becomes part of sub")
		}
	}
	if longest := MaxSubjectChars - len(service) - len(":"); id == "" || len(id) > longest {
		return fmt.Errorf("an id has 1 to %d characters", longest)
	}
	return nil
}
