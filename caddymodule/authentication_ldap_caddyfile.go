package caddymodule

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// UnmarshalCaddyfile reads the module's block. Syntax:
//
//	ldap {
//		url                <urls...>
//		start_tls
//		ca                 <file>
//		insecure
//		bind_dn            <dn>
//		password           <password>
//		anonymous
//		bind               <dn with {username}>
//		search {
//			base   <dn>
//			filter <filter with {username}>
//			scope  sub|one
//		}
//		id_attribute       <attribute>
//		username_attribute <attribute>
//		claim              <claim> <attribute> [list]
//		groups {
//			base      <dn>
//			filter    <filter with {dn} or {username}>
//			claim     <claim>
//			attribute <attribute>
//			member_of
//		}
//		disabled           <filter>
//		timeout            <duration>
//		pool               <connections>
//		recheck            <duration>
//	}
//
// The lines url and claim may be repeated.
func (l *LDAPAuthentication) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	return readOnlyBlock(d, "ldap", map[string]reader{
		"url":                texts(&l.URLs),
		"start_tls":          flag(&l.StartTLS),
		"ca":                 text(&l.CA),
		"insecure":           flag(&l.Insecure),
		"bind_dn":            text(&l.BindDN),
		"password":           text(&l.Password),
		"anonymous":          flag(&l.Anonymous),
		"bind":               text(&l.Bind),
		"search":             l.readSearch,
		"id_attribute":       text(&l.IDAttribute),
		"username_attribute": text(&l.UsernameAttribute),
		"claim":              l.readClaim,
		"groups":             l.readGroups,
		"disabled":           text(&l.Disabled),
		"timeout":            span(&l.Timeout),
		"pool":               count(&l.Pool),
		"recheck":            span(&l.Recheck),
	}, "url", "claim")
}

func (l *LDAPAuthentication) readSearch(d *caddyfile.Dispenser) error {
	l.Search = new(LDAPSearch)
	return readOnlyBlock(d, "search", map[string]reader{
		"base":   text(&l.Search.Base),
		"filter": text(&l.Search.Filter),
		"scope":  text(&l.Search.Scope),
	})
}

func (l *LDAPAuthentication) readClaim(d *caddyfile.Dispenser) error {
	words := d.RemainingArgs()
	if len(words) < 2 || len(words) > 3 {
		return d.ArgErr()
	}
	claim := LDAPClaim{Claim: words[0], Attribute: words[1], List: len(words) == 3}
	if claim.List && words[2] != "list" {
		return d.Errf("%q after a claim and its attribute; there is list", words[2])
	}
	l.Claims = append(l.Claims, claim)
	return nil
}

func (l *LDAPAuthentication) readGroups(d *caddyfile.Dispenser) error {
	l.Groups = new(LDAPGroups)
	return readOnlyBlock(d, "groups", map[string]reader{
		"base":      text(&l.Groups.Base),
		"filter":    text(&l.Groups.Filter),
		"claim":     text(&l.Groups.Claim),
		"attribute": text(&l.Groups.Attribute),
		"member_of": flag(&l.Groups.MemberOf),
	})
}

// Interface guard
var _ caddyfile.Unmarshaler = (*LDAPAuthentication)(nil)
