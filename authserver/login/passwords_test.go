package login_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// reasonOf is why a policy refuses a password, "" when it does not.
func reasonOf(t *testing.T, policy login.PasswordPolicy, password string, names ...string) string {
	t.Helper()
	err := policy.Check(oauth.NewSecret(password), names...)
	var weak *login.WeakPassword
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &weak):
		t.Fatalf("%T: %v", err, err)
	case weak.Error() == "" || strings.Contains(weak.Error(), "vexing"):
		t.Errorf("%q: the error says %q", password, weak)
	}
	return weak.Reason
}

func TestAS63_HowLongAPasswordIs(t *testing.T) {
	alone := login.PasswordPolicy{Least: login.LeastPasswordAlone}
	beside := login.PasswordPolicy{Least: login.LeastPassword}
	for _, test := range []struct {
		policy   login.PasswordPolicy
		password string
		want     string
	}{
		{alone, "", login.PasswordShort},
		{alone, "vexing otters!", login.PasswordShort},
		{alone, "vexing otters 7", ""},
		{beside, "vexing7", login.PasswordShort},
		{beside, "vexing-7", ""},
		// Characters count, whatever bytes they take.
		{alone, strings.Repeat("ö", 5) + "ŵæßđþħjłŋ", login.PasswordShort},
		{alone, "öäüßŵæđþħjłŋŧñç", ""},
		{alone, "🦦🌊🪵🐟🌲🪨🐾💧🌧🍂🌙⭐🌍🔥🌱", ""},
		// 64 of any kind fit.
		{alone, strings.Repeat("🦦🌊🪵🐟🌲🪨🐾💧", 7) + "🌧🍂🌙⭐🌍🔥🌱🌱", ""},
		{alone, strings.Repeat("otter raft ", 23) + "and", ""},
		{alone, strings.Repeat("otter raft ", 23) + "sands", login.PasswordLong},
		{alone, "vexing otters\x00 7 times", login.PasswordUnprintable},
		{alone, "vexing otters 7 times\n", login.PasswordUnprintable},
		{alone, "vexing otters \xff times", login.PasswordUnprintable},
	} {
		if got := reasonOf(t, test.policy, test.password); got != test.want {
			t.Errorf("%q of at least %d: %q, want %q", test.password, test.policy.Least, got, test.want)
		}
	}
}

// No kind of character is asked for.
func TestAS63_NoCompositionRules(t *testing.T) {
	policy := login.PasswordPolicy{Least: login.LeastPasswordAlone}
	for _, password := range []string{
		"otters under the bridge", "ottersunderthebridge", "OTTERSUNDERTHEBRIDGE", "4815162342108777", "      otters      ", "!?%&/()=+*#'-_.;",
		"my password is about seven otters", "otters1bridges2otters1bridges2", "Password und noch mehr Wörter", "猫が好きで魚も好きな人たちの集まり",
	} {
		if got := reasonOf(t, policy, password, "alice", "/", "auth.example.com"); got != "" {
			t.Errorf("%q is refused: %s", password, got)
		}
	}
}

func TestAS63_WhatIsTriedFirst(t *testing.T) {
	policy := login.PasswordPolicy{Least: login.LeastPassword}
	for _, password := range []string{
		"password", "PassWord", "p4ssw0rd", "P@$$w0rd", "password1", "Password123!", "!!password!!", "pass word", "p a s s w o r d",
		"passwordpassword", "PasswordPasswordPa", "12345678", "123456789012345", "987654321098765", "abcdefghijklmno", "qwertyuiopasdfg",
		"qwertzuiop12345", "aaaaaaaaaaaaaaaa", "abababababababab", "abcabcabcabcabca", "1q2w3e4r5t6y7u8i", "!@#$%^&*()!@#$%",
		"iloveyou", "ILoveYou2026", "correct horse battery staple", "letmein!", "Passwort2026", "motdepasse", "contraseña", "パスワード12345678",
		"superman-1978", "Trustno1", "password1password1", "Password1Password1Password1", "password123password123", "qwerty123qwerty123",
		"welcome2welcome2", "P4ssw0rd1 P4ssw0rd1", "1password1password", "password1password2", "2025letmein2026letmein",
	} {
		if got := reasonOf(t, policy, password); got != login.PasswordCommon {
			t.Errorf("%q: %q", password, got)
		}
	}
}

func TestAS63_NamesThatAnAttackerKnows(t *testing.T) {
	policy := login.PasswordPolicy{Least: login.LeastPassword}
	names := []string{"alice.liddell@wonder.example", "/customers/eu", "auth.rabbithole.com"}
	for password, want := range map[string]string{
		"alice.liddell@wonder.example": login.PasswordNamesAccount,
		"AliceLiddell":                 "",
		"liddell1865":                  login.PasswordNamesAccount,
		"Liddell1865-Liddell1865":      login.PasswordNamesAccount,
		"Liddell, Liddell":             login.PasswordNamesAccount,
		"customers2026":                login.PasswordNamesAccount,
		"r4bb1th0le":                   "",
		"R4bbith0le!":                  login.PasswordNamesAccount,
		"auth.rabbithole.com":          login.PasswordNamesAccount,
		// Two letters are in too much to be a name.
		"eu-eu-eu-hi":                    "",
		"down the rabbithole with Alice": "",
	} {
		if got := reasonOf(t, policy, password, names...); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func TestAS63_ABlocklistOfOnesOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blocked")
	if err := os.WriteFile(path, []byte("# of our company\r\nwhite rabbit\nTeaParty2026\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := login.OpenBlocklist(path)
	if err != nil {
		t.Fatal(err)
	}
	policy := login.PasswordPolicy{Least: login.LeastPassword, Blocked: list}
	for password, want := range map[string]string{
		"whiterabbit": login.PasswordCommon, "White-Rabbit-7": login.PasswordCommon, "teaparty2026": login.PasswordCommon,
		"password": login.PasswordCommon, "white rabbits": "", "teaparty1865": "",
	} {
		if got := reasonOf(t, policy, password); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
	if _, err := login.OpenBlocklist(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, make([]byte, 16<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := login.OpenBlocklist(huge); err == nil || !strings.Contains(err.Error(), "more than 16 MB") {
		t.Errorf("a file without end: %v", err)
	}
}

// Whatever is typed is judged.
func FuzzPasswordPolicy(f *testing.F) {
	for _, seed := range []string{"", "password", "パスワード", "\xff\x00", strings.Repeat("ab", 128), "alice alice alice alice"} {
		f.Add(seed, "alice")
	}
	f.Fuzz(func(t *testing.T, password, name string) {
		reasonOf(t, login.PasswordPolicy{Least: login.LeastPassword}, password, name)
	})
}
