package pages

import (
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Sample is a page with made-up values. Name is fit for a file.
type Sample struct {
	Name   string
	Status int
	Page   Page
}

// Samples are every page, most of them in more than one state: for people to look
// at, for browsers to examine, and to try own templates with.
func Samples() []Sample {
	form := Form{FormToken: oauth.NewSecret("sample"), FormTarget: "https://shop.example"}
	with := func(m Message) Form {
		form := form
		form.Message = m
		return form
	}
	const (
		options  = `{"challenge":"c2FtcGxl","rpId":"example.com"}`
		creation = `{"challenge":"c2FtcGxl","rp":{"id":"example.com","name":"Example"},"user":{"id":"ZGVtbw","name":"demo","displayName":"demo"},"pubKeyCredParams":[{"type":"public-key","alg":-7}]}`
	)
	services := []Choice{{"corp", "Example Corporation"}, {"partner", "Partner portal"}}
	return slices.Concat([]Sample{
		{"login", http.StatusOK, Login{Form: form, ClientName: "Orders"}},
		{"login_wrong", http.StatusForbidden, Login{Form: with(WrongCredentials), ClientName: "Orders", Username: "demo"}},
		{"login_full", http.StatusOK, Login{Form: form, ClientName: "Orders", Services: services, Passkey: options}},
		{"login_services", http.StatusOK, Login{Form: form, NoPassword: true, Services: services}},
		{"factor", http.StatusOK, Factor{Form: form, ClientName: "Orders", Account: "demo", TOTP: true, Recovery: true}},
		{"factor_wrong", http.StatusForbidden, Factor{Form: with(WrongCode), Account: "demo", TOTP: true, Recovery: true, Passkey: options}},
		{"factor_passkey", http.StatusOK, Factor{Form: form, Account: "demo", Passkey: options}},
		{"enrol_totp", http.StatusOK, EnrolTOTP{
			Form: form, Account: "demo", Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", Sealed: "sealed",
			URI: "otpauth://totp/Example:demo?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example&algorithm=SHA1&digits=6&period=30",
		}},
		{"enrol_totp_required", http.StatusForbidden, EnrolTOTP{
			Form: with(WrongCode), Account: "demo", Secret: "JBSW Y3DP EHPK 3PXP", Sealed: "sealed", Required: true,
			URI: "otpauth://totp/Example:demo?secret=JBSWY3DPEHPK3PXP&issuer=Example",
		}},
		{"enrol_passkey", http.StatusOK, EnrolPasskey{Form: form, Account: "demo", Options: creation, Back: "/oauth2/account"}},
		{"recovery_codes", http.StatusOK, RecoveryCodes{Form: form, Codes: []string{
			"7hq2-m4xk", "p9rt-2wvz", "c3nd-8fjs", "k6ya-5gbh", "x2mw-9qpt", "r8vc-3zkd", "j5hs-7nfy", "b4gx-6tmq", "w7kp-2dra", "f9zn-4cjv",
		}}},
		{"consent", http.StatusOK, Consent{
			ClientName: "Orders", Account: "demo", RedirectOrigin: "https://shop.example", FormToken: form.FormToken,
			Scopes: []string{"openid", "profile", "email", "offline_access", "orders:read"}, Claims: []string{"birthdate", "membership_level"},
		}},
		{"account", http.StatusOK, sampleAccount(form)},
		{"account_saved", http.StatusOK, Account{Form: with(AccessTaken), Name: "demo", Subject: "demo", Sessions: sampleAccount(form).Sessions[:1]}},
		{"password", http.StatusOK, ChangePassword{Form: form, Username: "demo", Least: 12, Back: "/oauth2/account"}},
		{"password_short", http.StatusBadRequest, ChangePassword{Form: with(PasswordShort), Username: "demo", Least: 12}},
		{"sign_out", http.StatusOK, SignOut{Form: form, ClientName: "Orders", Account: "demo"}},
		{"signed_out", http.StatusOK, SignedOut{ReturnTo: "https://shop.example/bye", ClientName: "Orders"}},
		{"signed_out_here", http.StatusOK, SignedOut{}},
		{"signed_out_password", http.StatusOK, SignedOut{Message: PasswordChanged, Back: "/oauth2/account"}},
		{"device", http.StatusOK, Device{Form: form}},
		{"device_wrong", http.StatusBadRequest, Device{Form: with(WrongCode), UserCode: "WDJB-MJHT"}},
		{"device_allowed", http.StatusOK, DeviceDone{Allowed: true}},
		{"device_denied", http.StatusOK, DeviceDone{}},
		{"formpost", http.StatusOK, FormPost{RedirectURI: "https://shop.example/callback", Parameters: [][2]string{{"code", "sample"}, {"state", "sample"}}}},
	}, failures())
}

func failures() []Sample {
	list := []Failure{
		{CannotAnswer, "The client is not known."},
		{TryAgain, "The server cannot answer at the moment."},
		{FormExpired, ""}, {FormUsed, ""}, {TooManyAttempts, ""},
	}
	samples := make([]Sample, len(list))
	for i, failure := range list {
		samples[i] = Sample{"error_" + string(failure.Message), http.StatusBadRequest, failure}
	}
	return samples
}

func sampleAccount(form Form) Account {
	day := time.Date(2026, time.March, 1, 9, 41, 0, 0, time.UTC)
	return Account{
		Form: form, Name: "demo", Subject: "8c1f0b5e",
		Sessions: []AccountSession{
			{ID: "1", Current: true, SignedIn: day.AddDate(0, 2, 13), Device: "Firefox, Linux", Source: "192.0.2.7", Applications: []string{"Orders", "Invoices"}},
			{ID: "2", SignedIn: day, Device: "Safari, iPhone", Source: "2001:db8::17", Applications: []string{"Orders"}},
			{ID: "3", SignedIn: day.AddDate(0, 1, 2)},
		},
		Applications: []AccountApplication{
			{ID: "orders", Name: "Orders", Scopes: []string{"openid", "profile", "orders:read"}, Since: day, Grants: 2},
			{ID: "invoices", Name: "Invoices", Scopes: []string{"openid"}, Since: day.AddDate(0, 1, 0), Grants: 1},
		},
		Factors: []AccountFactor{
			{ID: "a", Kind: "totp", Label: "Phone", Added: day, LastUsed: day.AddDate(0, 2, 0)},
			{ID: "b", Kind: "passkey", Label: "Laptop", Added: day},
		},
		RecoveryCodes: 8, CanChangePassword: true, CanAddTOTP: true, CanAddPasskey: true,
	}
}
