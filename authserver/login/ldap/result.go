package ldap

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

// RFC 4511 §4.1.9 and appendix A, draft-behera-ldap-password-policy-11

// Why a directory refuses an account whose password may be right; for the audit
// log alone.
const (
	Locked          = "locked"
	PasswordExpired = "password_expired"
)

// refusal is a bind that the directory answered with a no.
type refusal struct{ reason string }

func (r refusal) Error() string { return r.reason }

// activeDirectory finds the code that Active Directory hides in its diagnostic.
var activeDirectory = regexp.MustCompile(`\bdata ([0-9a-f]{3,4})\b`)

// activeDirectoryReasons are those codes that are no wrong password.
var activeDirectoryReasons = map[string]string{
	"525": login.UnknownUser,
	"530": login.Disabled, // not at this time
	"531": login.Disabled, // not from here
	"532": PasswordExpired,
	"533": login.Disabled,
	"701": login.Disabled, // the account has expired
	"773": PasswordExpired,
	"775": Locked,
}

// policyReasons are the errors of the password policy control that refuse.
var policyReasons = map[int8]string{0: PasswordExpired, 1: Locked, 2: PasswordExpired}

// judgeBind says what a directory means with its answer to the bind of somebody
// who signs in: nil is a yes, a refusal a no, anything else no answer at all.
func judgeBind(controls []goldap.Control, err error) error {
	policy, _ := goldap.FindControl(controls, goldap.ControlTypeBeheraPasswordPolicy).(*goldap.ControlBeheraPasswordPolicy)
	hint := ""
	if policy != nil {
		hint = policyReasons[policy.Error]
	}
	if err == nil {
		if hint != "" {
			// The directory lets such a password be changed, and no more.
			return refusal{hint}
		}
		return nil
	}
	var result *goldap.Error
	if !errors.As(err, &result) {
		return err
	}
	diagnostic := ""
	if result.Err != nil {
		diagnostic = strings.ToLower(result.Err.Error())
	}
	switch result.ResultCode {
	case goldap.LDAPResultInvalidCredentials:
		if code := activeDirectory.FindStringSubmatch(diagnostic); code != nil && hint == "" {
			hint = activeDirectoryReasons[code[1]]
		}
		if hint == "" {
			hint = login.WrongPassword
		}
		return refusal{hint}
	case goldap.LDAPResultInappropriateAuthentication: // an entry without a password
		return refusal{login.WrongPassword}
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax:
		return refusal{login.UnknownUser}
	// 389 Directory Server and its relatives say these in place of the above.
	case goldap.LDAPResultUnwillingToPerform:
		if strings.Contains(diagnostic, "inactivated") {
			return refusal{login.Disabled}
		}
	case goldap.LDAPResultConstraintViolation:
		if strings.Contains(diagnostic, "retry limit") {
			return refusal{Locked}
		}
	}
	return explain(err)
}

// explain says to the operator what a fault of the directory may mean.
func explain(err error) error {
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultReferral):
		return fmt.Errorf("the directory refers to another server, and referrals are not followed: name a server that has the entries: %w", err)
	case goldap.IsErrorAnyOf(err, goldap.LDAPResultConfidentialityRequired, goldap.LDAPResultStrongAuthRequired):
		return fmt.Errorf("the directory wants TLS: use ldaps:// or start_tls: %w", err)
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject):
		return fmt.Errorf("a base is not there, or bind_dn may not see it: %w", err)
	case goldap.IsErrorWithCode(err, goldap.LDAPResultInsufficientAccessRights):
		return fmt.Errorf("bind_dn may not read what it must: %w", err)
	}
	return err
}

// answers are the results that a directory gives while it is well.
var answers = []uint16{
	goldap.LDAPResultSuccess, goldap.LDAPResultSizeLimitExceeded, goldap.LDAPResultReferral, goldap.LDAPResultNoSuchAttribute,
	goldap.LDAPResultUndefinedAttributeType, goldap.LDAPResultInappropriateMatching, goldap.LDAPResultConstraintViolation,
	goldap.LDAPResultInvalidAttributeSyntax, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax,
	goldap.LDAPResultInappropriateAuthentication, goldap.LDAPResultInvalidCredentials, goldap.LDAPResultInsufficientAccessRights,
	goldap.LDAPResultUnwillingToPerform,
}

// answered says whether err comes from a directory that is well, so that its
// connection can be used again.
func answered(err error) bool {
	if err == nil || errors.Is(err, errNoEntry) || errors.Is(err, errSeveral) || errors.As(err, new(refusal)) {
		return true
	}
	var result *goldap.Error
	return errors.As(err, &result) && slices.Contains(answers, result.ResultCode)
}
