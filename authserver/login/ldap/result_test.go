package ldap

import (
	"errors"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

// What a directory answers to a bind, and what it means: a reason is a no, "fault"
// no answer at all.
func TestWhatTheAnswerToABindMeans(t *testing.T) {
	ad := func(code string) error {
		return &goldap.Error{ResultCode: 49, Err: errors.New("80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data " + code + ", v2580")}
	}
	result := func(code uint16, text string) error { return &goldap.Error{ResultCode: code, Err: errors.New(text)} }
	policy := func(code int8) []goldap.Control {
		control := goldap.NewControlBeheraPasswordPolicy()
		control.Error = code
		return []goldap.Control{control}
	}
	for _, test := range []struct {
		name     string
		controls []goldap.Control
		err      error
		want     string
	}{
		{"yes", nil, nil, ""},
		{"yes, and a policy without an error", policy(-1), nil, ""},
		{"yes, for changing the password alone", policy(2), nil, PasswordExpired},
		{"no", nil, result(49, ""), login.WrongPassword},
		{"no, by policy", policy(-1), result(49, ""), login.WrongPassword},
		{"expired, by policy", policy(0), result(49, ""), PasswordExpired},
		{"locked, by policy", policy(1), result(49, ""), Locked},
		{"AD: wrong", nil, ad("52e"), login.WrongPassword},
		{"AD: unknown", nil, ad("525"), login.UnknownUser},
		{"AD: not at this time", nil, ad("530"), login.Disabled},
		{"AD: not from here", nil, ad("531"), login.Disabled},
		{"AD: password expired", nil, ad("532"), PasswordExpired},
		{"AD: disabled", nil, ad("533"), login.Disabled},
		{"AD: account expired", nil, ad("701"), login.Disabled},
		{"AD: must change", nil, ad("773"), PasswordExpired},
		{"AD: locked", nil, ad("775"), Locked},
		{"AD: something new", nil, ad("999"), login.WrongPassword},
		{"no password there", nil, result(48, ""), login.WrongPassword},
		{"nobody there", nil, result(32, ""), login.UnknownUser},
		{"no DN", nil, result(34, ""), login.UnknownUser},
		{"389: disabled", nil, result(53, "Account inactivated. Contact system administrator."), login.Disabled},
		{"389: locked", nil, result(19, "Exceed password retry limit. Please try later."), Locked},
		{"unwilling", nil, result(53, "unauthenticated bind (DN with no password) disallowed"), "fault"},
		{"constraint", nil, result(19, ""), "fault"},
		{"operations error", nil, result(1, ""), "fault"},
		{"protocol error", nil, result(2, ""), "fault"},
		{"time limit", nil, result(3, ""), "fault"},
		{"referral", nil, result(10, ""), "fault"},
		{"confidentiality required", nil, result(13, ""), "fault"},
		{"insufficient access", nil, result(50, ""), "fault"},
		{"busy", nil, result(51, ""), "fault"},
		{"unavailable", nil, result(52, ""), "fault"},
		{"other", nil, result(80, ""), "fault"},
		{"network", nil, result(goldap.ErrorNetwork, "ldap: connection timed out"), "fault"},
		{"empty password", nil, result(goldap.ErrorEmptyPassword, ""), "fault"},
		{"no result at all", nil, errors.New("unable to send request"), "fault"},
	} {
		err := judgeBind(test.controls, test.err)
		got := ""
		var no refusal
		switch {
		case errors.As(err, &no):
			got = no.reason
		case err != nil:
			got = "fault"
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if got == "fault" && errors.Is(err, login.ErrCredentials) {
			t.Errorf("%s: a fault is a wrong password", test.name)
		}
	}
}

func TestGUIDsAsActiveDirectoryWritesThem(t *testing.T) {
	raw := []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	text, err := guidText(raw)
	if err != nil || text != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("%s, %v", text, err)
	}
	if back, ok := idValue("objectguid", text); !ok || back != string(raw) {
		t.Errorf("back: %x", back)
	}
	for _, bad := range []string{"", "00112233", "xyz", text + "00"} {
		if _, ok := guidBytes(bad); ok {
			t.Errorf("%q is a GUID", bad)
		}
	}
	if _, err := guidText(raw[:8]); err == nil {
		t.Error("8 bytes are a GUID")
	}
}

func TestClaimValues(t *testing.T) {
	for _, test := range []struct {
		claim, value string
		want         any
		ok           bool
	}{
		{"email", "a@b.example", "a@b.example", true},
		{"email_verified", "TRUE", true, true},
		{"email_verified", "false", false, true},
		{"email_verified", "perhaps", false, false},
		{"updated_at", "20261120201500Z", int64(1795205700), true},
		{"updated_at", "20261120201500.123Z", int64(1795205700), true},
		{"updated_at", "1795205700", int64(1795205700), true},
		{"updated_at", "yesterday", int64(0), false},
	} {
		if got, ok := claimValue(test.claim, test.value); ok != test.ok || ok && got != test.want {
			t.Errorf("%s %q: %v %v", test.claim, test.value, got, ok)
		}
	}
}
