package ldap

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// RFC 4514 §2.4 (DNs), RFC 4515 §3 (filters)

// What stands in templates for what is filled in.
const (
	usernameMark = "{username}"
	dnMark       = "{dn}"
)

// fillDN puts a username into the template of a DN, as a literal.
func fillDN(template, username string) string {
	return strings.ReplaceAll(template, usernameMark, goldap.EscapeDN(username))
}

// fillFilter puts a username and a DN into the template of a filter, as literals.
func fillFilter(template, username, dn string) string {
	return strings.NewReplacer(usernameMark, goldap.EscapeFilter(username), dnMark, goldap.EscapeFilter(dn)).Replace(template)
}

// equals is a filter for entries with a value.
func equals(attribute, value string) string {
	return "(" + attribute + "=" + goldap.EscapeFilter(value) + ")"
}

// checkDNTemplate holds a template to one DN with the username in a value of its
// first part.
func checkDNTemplate(template string) error {
	filled, err := goldap.ParseDN(fillDN(template, "x"))
	if err != nil || len(filled.RDNs) < 2 {
		return fmt.Errorf("%q is no DN such as uid={username},ou=people,dc=example,dc=org; where names are no part of DNs, write search instead", template)
	}
	if strings.Count(template, usernameMark) != 1 || !strings.Contains(firstPart(template), usernameMark) {
		return fmt.Errorf("%q needs {username} once, in its first part", template)
	}
	return nil
}

// firstPart is what stands before the first comma that is not escaped.
func firstPart(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[:i]
		}
	}
	return dn
}

// parent is the DN above a template's.
func parent(template string) string {
	return strings.TrimPrefix(template[len(firstPart(template)):], ",")
}

// checkFilter holds a template to a filter that needs one of the marks; none
// needs no mark.
func checkFilter(template string, marks ...string) error {
	if _, err := goldap.CompileFilter(fillFilter(template, "x", "cn=x")); err != nil {
		return fmt.Errorf("filter %q cannot be read: %w", template, err)
	}
	for _, mark := range marks {
		if strings.Contains(template, mark) {
			return nil
		}
	}
	if len(marks) > 0 {
		return fmt.Errorf("filter %q needs %s, or it is the same for everybody", template, strings.Join(marks, " or "))
	}
	return nil
}

// attributeName is an attribute description without options (RFC 4512 §1.4).
var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`)

func checkAttribute(name string) error {
	if !attributeName.MatchString(name) {
		return errors.New("an attribute is a name such as mail, not " + fmt.Sprintf("%q", name))
	}
	return nil
}

// usernameFrom finds the attribute that a template compares the username with.
var usernameFrom = regexp.MustCompile(`(?:^|\()([A-Za-z][A-Za-z0-9-]*)=\{username\}(?:[,)]|$)`)

// usernameAttribute is that attribute, uid when there is none.
func usernameAttribute(template string) string {
	if match := usernameFrom.FindStringSubmatch(template); match != nil {
		return match[1]
	}
	return "uid"
}
