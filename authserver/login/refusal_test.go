package login

import "testing"

// While a password is checked the file may change.
func TestAS41_APasswordIsGoodIfItStillIsWhenItHasBeenChecked(t *testing.T) {
	checked := &user{id: "a", password: "old"}
	for _, test := range []struct {
		still *user
		right bool
		want  string
	}{
		{checked, true, ""},
		{&user{id: "a", username: "another name", password: "old"}, true, ""},
		{checked, false, WrongPassword},
		{nil, true, WrongPassword},
		{&user{id: "a", password: "new"}, true, WrongPassword},
		{&user{id: "a", password: "old", disabled: true}, true, Disabled},
		{&user{id: "a", password: "old", disabled: true}, false, WrongPassword},
	} {
		if got := refusal(checked, test.still, test.right); got != test.want {
			t.Errorf("%+v, %v: %q, want %q", test.still, test.right, got, test.want)
		}
	}
}
