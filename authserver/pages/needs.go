package pages

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// needed are the fields without which a page does not work: of each list there
// has to be one form that sends all of it. "name=value" is a button that says one
// of several things.
func needed(page Page) [][]string {
	var forms [][]string
	need := func(when bool, fields ...string) {
		if when {
			forms = append(forms, fields)
		}
	}
	switch p := page.(type) {
	case Login:
		need(!p.NoPassword, "username", "password")
		for _, service := range p.Services {
			need(true, "service="+service.Name)
		}
		need(p.Passkey != "", "passkey")
	case Factor:
		need(p.TOTP, "code")
		need(p.Recovery, "recovery")
		need(p.Passkey != "", "passkey")
	case EnrolTOTP:
		need(true, "code", "sealed")
		need(!p.Required, "skip")
	case EnrolPasskey:
		need(true, "label", "passkey")
	case RecoveryCodes:
		need(true, "form_token")
	case Consent:
		need(true, "decision=deny", "decision=allow")
	case Account:
		need(true, "action")
		need(p.Others() || len(p.Applications) > 0, "action", "id")
	case ChangePassword:
		need(true, "current", "password", "again")
	case SignOut:
		need(true, "decision=stay", "decision=sign_out")
	case Device:
		need(true, "user_code")
	case FormPost:
		for _, parameter := range p.Parameters {
			need(true, parameter[0]+"="+parameter[1])
		}
	}
	return forms
}

// missing is what no form sends of what a page needs.
func missing(forms []*html.Node, page Page) []string {
	var faults []string
	for _, fields := range needed(page) {
		if slices.ContainsFunc(forms, func(form *html.Node) bool { return sendsAll(form, fields) }) {
			continue
		}
		gone := slices.DeleteFunc(slices.Clone(fields), func(field string) bool {
			return slices.ContainsFunc(forms, func(form *html.Node) bool { return sends(form, field) })
		})
		if len(gone) > 0 {
			faults = append(faults, fmt.Sprintf("no <form> has the field %s, without which the page does not work", gone[0]))
		} else {
			faults = append(faults, fmt.Sprintf("no <form> has the fields %s together, without which the page does not work", strings.Join(fields, ", ")))
		}
	}
	return faults
}

func sendsAll(form *html.Node, fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool { return !sends(form, field) })
}

// sends says whether a form has a field of a name, or one of a name and a value.
func sends(form *html.Node, field string) bool {
	name, value, valued := strings.Cut(field, "=")
	for node := range form.Descendants() {
		if node.Type != html.ElementNode || !slices.Contains([]string{"input", "button", "select", "textarea"}, node.Data) {
			continue
		}
		if attribute(node, "name") == name && (!valued || attribute(node, "value") == value) {
			return true
		}
	}
	return false
}
