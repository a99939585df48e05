package authorize

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// acrs are the values of a realm of its own.
var acrs = login.ACRs{"silver": login.LevelSingle, "gold": login.LevelMultiple, "platinum": login.LevelPhishingResistant}

func TestWhatARequestAsksOfASignIn(t *testing.T) {
	const single, multiple, resistant = login.LevelSingle, login.LevelMultiple, login.LevelPhishingResistant
	essential := func(values string) []string {
		return []string{"claims", `{"id_token":{"acr":{"essential":true,"values":[` + values + `]}}}`}
	}
	required := realm.Settings{ACRs: acrs, SecondFactor: realm.SecondFactorRequired}
	for _, test := range []struct {
		name     string
		settings realm.Settings
		changes  []string
		least    login.Level
		wants    string
		err      string
	}{
		{"nothing", realm.Settings{ACRs: acrs}, nil, single, "", ""},
		{"nothing, of a realm with second factors", required, nil, multiple, "", ""},
		{"a wish", realm.Settings{ACRs: acrs}, []string{"acr_values", "platinum unknown gold"}, single, "platinum gold", ""},
		{"a wish out of reach", realm.Settings{ACRs: acrs, NoPasskeys: true}, []string{"acr_values", "platinum gold"}, single, "gold", ""},
		{"a claim as a wish", realm.Settings{ACRs: acrs}, []string{"claims", `{"id_token":{"acr":{"value":"gold"}}}`}, single, "gold", ""},
		{"a claim that must be", realm.Settings{ACRs: acrs}, essential(`"platinum","gold"`), multiple, "platinum gold", ""},
		{"one of many that there is", realm.Settings{ACRs: acrs}, essential(`"unknown","platinum"`), resistant, "platinum", ""},
		{"none that there is", realm.Settings{ACRs: acrs}, essential(`"unknown"`), 0, "", oauth.CodeUnmetAuthRequirements},
		{"none that can be reached", realm.Settings{ACRs: acrs, NoPasskeys: true}, essential(`"platinum"`), 0, "", oauth.CodeUnmetAuthRequirements},
		{"less than the realm asks", required, essential(`"silver"`), multiple, "silver", ""},
		{"a claim and a wish", realm.Settings{ACRs: acrs}, append(essential(`"gold"`), "acr_values", "platinum"), multiple, "gold platinum", ""},
		{"endless", realm.Settings{ACRs: acrs}, []string{"acr_values", strings.Repeat("silver ", 1000)}, single, strings.TrimSpace(strings.Repeat("silver ", maxACRs)), ""},
	} {
		r := accept(t, valid())
		form, err := oauth.ParseForm(valid(test.changes...).Encode())
		if err == nil {
			r, err = parseRequest(form, r.target, allGrants)
		}
		if err != nil {
			t.Fatal(err)
		}
		err = r.readAssurance(&test.settings)
		if test.err != "" || err != nil {
			if codeOf(err) != test.err {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if r.least != test.least || strings.Join(r.acrs, " ") != test.wants || len(r.preferred) != len(r.acrs) {
			t.Errorf("%s: least %d, wants %v", test.name, r.least, r.acrs)
		}
	}
}

func TestTheClientIsToldTheACRItAskedFor(t *testing.T) {
	for _, test := range []struct {
		asked string
		amr   []string
		want  string
	}{
		{"", []string{"pwd", "otp", "mfa"}, "gold"},
		{"silver", []string{"pwd", "otp", "mfa"}, "silver"},
		{"platinum silver", []string{"pwd", "otp", "mfa"}, "silver"},
		{"platinum", []string{"pwd"}, "silver"},
		{"silver", nil, "silver"},
	} {
		r := accept(t, valid())
		r.assurance, r.form = assurance{}, r.form.With("acr_values", test.asked)
		if err := r.readAssurance(&realm.Settings{ACRs: acrs}); err != nil {
			t.Fatal(err)
		}
		session := store.Session{AMR: test.amr, ACR: acrs.Name(login.LevelOf(test.amr))}
		if got := r.acr(&session); got != test.want {
			t.Errorf("asked for %q with %v: %q, want %q", test.asked, test.amr, got, test.want)
		}
	}
}

func TestPG18_SignInsThatAreNotSureEnough(t *testing.T) {
	wish := []login.Level{login.LevelMultiple, login.LevelSingle}
	for _, test := range []struct {
		name   string
		change func(*situation)
		want   step
	}{
		{"sure enough", func(s *situation) { s.request.least = login.LevelSingle }, giveAnswer},
		{"not sure enough", func(s *situation) { s.request.least = login.LevelMultiple }, signIn},
		{"not even with a proof", func(s *situation) { s.request.least, s.proven = login.LevelMultiple, true }, signIn},
		{"not even for who agrees", func(s *situation) { s.request.least, s.allowed = login.LevelMultiple, true }, signIn},
		{"a surer one would be welcome", func(s *situation) { s.request.preferred = wish }, signIn},
		{"it was asked for", func(s *situation) { s.request.preferred, s.proven = wish, true }, giveAnswer},
		{"the first wish is met", func(s *situation) {
			s.request.preferred, s.visitor.Session.AMR = wish, []string{"pwd", "otp"}
		}, giveAnswer},
		{"prompt=login", func(s *situation) { s.request.prompt = []string{promptLogin} }, signIn},
		{"prompt=login, done", func(s *situation) { s.request.prompt, s.proven = []string{promptLogin}, true }, giveAnswer},
		{"prompt=select_account, done", func(s *situation) { s.request.prompt, s.proven = []string{promptSelectAccount}, true }, giveAnswer},
		{"max_age=0, done", func(s *situation) { s.request.maxAge, s.proven = 0, true }, giveAnswer},
		{"another user, done", func(s *situation) { s.request.hintSubject, s.proven = "bob", true }, signIn},
		{"prompt=consent is another matter", func(s *situation) { s.request.prompt, s.proven = []string{promptConsent}, true }, askConsent},
	} {
		if got, err := decide(situate(t, test.change)); got != test.want || err != nil {
			t.Errorf("%s: step %v, %v, want %v", test.name, got, err, test.want)
		}
	}
	for name, silent := range map[string]func(*situation){
		"prompt=none": func(s *situation) { s.request.prompt = []string{promptNone} },
		"a program":   func(s *situation) { s.visitor.Scripted = true },
	} {
		s := situate(t, func(s *situation) { s.request.preferred = wish; silent(s) })
		if got, err := decide(s); got != giveAnswer || err != nil {
			t.Errorf("%s and a wish: step %v, %v", name, got, err)
		}
		s.request.least = login.LevelMultiple
		if _, err := decide(s); codeOf(err) != oauth.CodeLoginRequired {
			t.Errorf("%s and what must be: %v", name, err)
		}
	}
}

func TestTheProofTravelsBesideTheRequest(t *testing.T) {
	r := accept(t, valid("signed_in", "1.x.y"))
	if r.proof.Reveal() != "1.x.y" || strings.Contains(r.encode(), "signed_in") || r.digest() != accept(t, valid()).digest() {
		t.Errorf("the proof is %q of %s", r.proof.Reveal(), r.encode())
	}
	if r = accept(t, valid("signed_in", strings.Repeat("x", maxProof+1))); !r.proof.Empty() {
		t.Error("an endless proof travels on")
	}
	if slices.Contains(parameters, proofParameter) {
		t.Error("the proof is part of the request")
	}
}
