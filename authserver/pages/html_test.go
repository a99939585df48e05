package pages_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

func TestPG14_EveryPageIsAWholeDocument(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		for _, once := range []string{"h1", "main", "header", "title"} {
			if found := elements(t, answer, once); len(found) != 1 || strings.TrimSpace(text(found[0])) == "" {
				t.Errorf("%s: %d times <%s>, or it is empty", name, len(found), once)
			}
		}
		root := elements(t, answer, "html")[0]
		if attribute(root, "lang") != name[:2] || attribute(root, "dir") != "ltr" {
			t.Errorf("%s: <html> has %v", name, root.Attr)
		}
		level := 1
		for _, element := range elements(t, answer, "*") {
			if len(element.Data) == 2 && element.Data[0] == 'h' && element.Data[1] >= '1' && element.Data[1] <= '6' {
				if next := int(element.Data[1] - '0'); next > level+1 {
					t.Errorf("%s: <%s> follows a heading of level %d", name, element.Data, level)
				} else {
					level = next
				}
			}
		}
	})
}

func TestPG14_IDsAreUniqueAndReferencesLead(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		ids := map[string]bool{}
		all := elements(t, answer, "*")
		for _, element := range all {
			if id, there := lookup(element, "id"); there {
				if ids[id] || id == "" {
					t.Errorf("%s: the id %q is there twice", name, id)
				}
				ids[id] = true
			}
		}
		for _, element := range all {
			for _, key := range []string{"for", "aria-describedby", "aria-labelledby"} {
				if to, there := lookup(element, key); there && !ids[to] {
					t.Errorf("%s: %s leads to %q, which is not there", name, key, to)
				}
			}
			if index := attribute(element, "tabindex"); index != "" && index != "-1" && index != "0" {
				t.Errorf("%s: tabindex %s", name, index)
			}
		}
	})
}

func TestPG14_EveryControlHasAName(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		labels := map[string]bool{}
		for _, label := range elements(t, answer, "label") {
			labels[attribute(label, "for")] = strings.TrimSpace(text(label)) != ""
		}
		for _, input := range elements(t, answer, "input") {
			if attribute(input, "type") != "hidden" && !labels[attribute(input, "id")] && attribute(input, "aria-label") == "" {
				t.Errorf("%s: the field %s has no label", name, attribute(input, "name"))
			}
		}
		for _, kind := range []string{"button", "a", "summary"} {
			for _, control := range elements(t, answer, kind) {
				if strings.TrimSpace(text(control)) == "" {
					t.Errorf("%s: an empty <%s>", name, kind)
				}
				if kind == "button" && attribute(control, "type") != "submit" {
					t.Errorf("%s: a button of type %q", name, attribute(control, "type"))
				}
			}
		}
		for _, image := range elements(t, answer, "img") {
			if _, there := lookup(image, "alt"); !there {
				t.Errorf("%s: an image without alt", name)
			}
		}
	})
}

// The parser mends what is not well formed, so what is comes out as it went in.
func TestPG14_HTMLIsWellFormed(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		document, err := html.Parse(strings.NewReader(answer.Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		var parsed []string
		for node := range document.Descendants() {
			if node.Type == html.ElementNode {
				parsed = append(parsed, node.Data)
			}
		}
		var written []string
		open := []string{}
		tokens := html.NewTokenizer(strings.NewReader(answer.Body.String()))
		for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
			tag, _ := tokens.TagName()
			switch element := string(tag); kind {
			case html.StartTagToken:
				written = append(written, element)
				if !slices.Contains([]string{"meta", "link", "input", "img"}, element) {
					open = append(open, element)
				}
			case html.SelfClosingTagToken:
				written = append(written, element)
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != element {
					t.Fatalf("%s: </%s> closes %v", name, element, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: %v are not closed", name, open)
		}
		// In <noscript> of the body the parser sees text when scripts are on.
		if !strings.Contains(answer.Body.String(), "<noscript>") && !slices.Equal(parsed, written) {
			t.Errorf("%s: parsed as %v\nwritten as %v", name, parsed, written)
		}
	})
}

func TestPG14_FaultsAreTiedToTheirFields(t *testing.T) {
	for _, row := range []struct {
		page   pages.Page
		fields []string
		role   string
	}{
		{pages.Login{Form: pages.Form{Message: pages.WrongCredentials}}, []string{"username", "password"}, "alert"},
		{pages.Login{Form: pages.Form{Message: pages.TooManyAttempts}}, nil, "alert"},
		{pages.Factor{Form: pages.Form{Message: pages.WrongCode}, TOTP: true, Recovery: true}, []string{"code"}, "alert"},
		{pages.Factor{Form: pages.Form{Message: pages.WrongCode}, Recovery: true}, []string{"recovery"}, "alert"},
		{pages.EnrolTOTP{Form: pages.Form{Message: pages.WrongCode}}, []string{"code"}, "alert"},
		{pages.Device{Form: pages.Form{Message: pages.WrongCode}}, []string{"user_code"}, "alert"},
		{pages.ChangePassword{Form: pages.Form{Message: pages.PasswordWrong}}, []string{"current"}, "alert"},
		{pages.ChangePassword{Form: pages.Form{Message: pages.PasswordShort}}, []string{"password"}, "alert"},
		{pages.ChangePassword{Form: pages.Form{Message: pages.PasswordsDiffer}}, []string{"again"}, "alert"},
		{pages.Account{Form: pages.Form{Message: pages.FactorAdded}}, nil, "status"},
	} {
		answer := show(t, http.StatusOK, row.page)
		var marked []string
		for _, input := range elements(t, answer, "input") {
			if attribute(input, "aria-invalid") == "true" && attribute(input, "aria-describedby") == "problem" {
				marked = append(marked, attribute(input, "name"))
			}
		}
		if !slices.Equal(marked, row.fields) {
			t.Errorf("%T: marked %v, want %v", row.page, marked, row.fields)
		}
		if !strings.Contains(answer.Body.String(), `role="`+row.role+`"`) {
			t.Errorf("%T: no %s", row.page, row.role)
		}
	}
}

// What people read is what the answer says to programs.
func TestAS64_TheLimitSaysHowLongToWait(t *testing.T) {
	p := newPages(t, pages.Look{})
	for _, row := range []struct {
		lang pages.Language
		wait string
		want string
	}{
		{"en", "1", "Wait 1 second, then try again."},
		{"en", "60", "Wait 60 seconds, then try again."},
		{"en", "61", "Wait 2 minutes, then try again."},
		{"en", "900", "Wait 15 minutes, then try again."},
		{"en", "", "Wait a few minutes, then try again."},
		{"de", "1", "Warten Sie 1 Sekunde und versuchen Sie es dann noch einmal."},
		{"es", "32", "Espere 32 segundos e inténtelo de nuevo."},
		{"fr", "900", "Patientez 15 minutes, puis réessayez."},
		{"ja", "900", "15 分待ってから、もう一度お試しください。"},
	} {
		answer := httptest.NewRecorder()
		if row.wait != "" {
			answer.Header().Set("Retry-After", row.wait)
		}
		p.Write(answer, row.lang, http.StatusTooManyRequests, pages.Login{Form: pages.Form{Message: pages.TooManyAttempts}})
		if !strings.Contains(answer.Body.String(), "<p>"+row.want+"</p>") {
			t.Errorf("%s, Retry-After %q: %s", row.lang, row.wait, answer.Body)
		}
	}
}

func TestPG15_PasswordManagersKnowTheFields(t *testing.T) {
	for _, row := range []struct {
		page pages.Page
		want map[string]string
	}{
		{pages.Login{}, map[string]string{"username": "username", "password": "current-password"}},
		{pages.Login{Passkey: "{}"}, map[string]string{"username": "username webauthn", "password": "current-password"}},
		{pages.Factor{TOTP: true, Recovery: true}, map[string]string{"code": "one-time-code", "recovery": "off"}},
		{pages.EnrolTOTP{}, map[string]string{"code": "one-time-code"}},
		{pages.ChangePassword{Username: "demo"}, map[string]string{
			"username": "username", "current": "current-password", "password": "new-password", "again": "new-password",
		}},
	} {
		answer := show(t, http.StatusOK, row.page)
		got := map[string]string{}
		for _, input := range elements(t, answer, "input") {
			if attribute(input, "type") != "hidden" {
				got[attribute(input, "name")] = attribute(input, "autocomplete")
			}
		}
		for field, want := range row.want {
			if got[field] != want {
				t.Errorf("%T: %s has autocomplete %q, want %q", row.page, field, got[field], want)
			}
		}
	}
}

// PG8: who asks, for what, of whom, and where the answer goes; deny comes first
// and looks the same.
func TestPG8_ConsentSaysWhoWhereAndWhat(t *testing.T) {
	answer := show(t, http.StatusOK, pages.Consent{
		ClientName: "Orders", Account: "demo", RedirectOrigin: "https://app.test",
		Scopes: []string{"openid", "orders:read"}, Claims: []string{"birthdate", "level"},
	})
	body := text(elements(t, answer, "main")[0])
	for _, want := range []string{"Orders", "demo", "https://app.test", "Know who you are", "orders:read", "Date of birth", "level"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var decisions []string
	for _, button := range elements(t, answer, "button") {
		decisions = append(decisions, attribute(button, "name")+"="+attribute(button, "value")+attribute(button, "class"))
	}
	if !slices.Equal(decisions, []string{"decision=deny", "decision=allow"}) {
		t.Errorf("buttons are %v", decisions)
	}
}

// The buttons of passkeys are hidden until the script knows that the browser has
// passkeys; what it needs is in the form.
func TestPG14_PasskeysHaveAFormOfTheirOwn(t *testing.T) {
	for _, row := range []struct {
		page pages.Page
		key  string
	}{
		{pages.Login{Form: pages.Form{}, Passkey: `{"a":"b"}`}, "data-passkey-get"},
		{pages.Factor{Passkey: `{"a":"b"}`}, "data-passkey-get"},
		{pages.EnrolPasskey{Options: `{"a":"b"}`}, "data-passkey-create"},
	} {
		answer, found := show(t, http.StatusOK, row.page), false
		for _, form := range elements(t, answer, "form") {
			if options, there := lookup(form, row.key); there {
				_, hidden := lookup(below(form, "button")[0], "hidden")
				found = options == `{"a":"b"}` && hidden && slices.ContainsFunc(below(form, "input"), func(n *html.Node) bool {
					return attribute(n, "name") == "passkey" && attribute(n, "type") == "hidden"
				})
			}
		}
		if !found {
			t.Errorf("%T: no form with %s, a hidden field and a hidden button", row.page, row.key)
		}
	}
}
