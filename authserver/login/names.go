package login

import "fmt"

// MaxSubjectChars bounds sub (OpenID Connect Core §2).
const MaxSubjectChars = 255

// CheckNames says whether an account of a service may have an id and a username.
func CheckNames(service, id, username string) error {
	if err := checkUsername(username); err != nil {
		return err
	}
	return CheckID(service, id)
}

// CheckID holds the id of an account to what sub may be (OpenID Connect Core §2: at most 255
// ASCII characters), the name of the service before it included. A colon stands
// between the two, so that an id with one could be taken for another's.
func CheckID(service, id string) error {
	longest := MaxSubjectChars - len(service) - len(":")
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e || id[i] == ':' {
			return fmt.Errorf("needs an id of printable ASCII without a colon, since %q becomes part of sub: set id", id)
		}
	}
	if id == "" || len(id) > longest {
		return fmt.Errorf("needs an id of 1 to %d characters", longest)
	}
	return nil
}
