package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// groupsOf are the names of the groups that somebody is in, in order.
func (d *Directory) groupsOf(ctx context.Context, entry *goldap.Entry) (names []string, err error) {
	groups := d.config.Groups
	switch {
	case groups == nil:
		return nil, nil
	case groups.MemberOf:
		names, err = groupNames(entry.GetEqualFoldAttributeValues(memberOfAttribute), groups.Base, groups.Attribute)
	default:
		names, err = d.searchGroups(ctx, entry)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func (d *Directory) searchGroups(ctx context.Context, entry *goldap.Entry) (names []string, err error) {
	groups := d.config.Groups
	username := firstText(entry, d.config.UsernameAttribute)
	request := &goldap.SearchRequest{
		BaseDN: groups.Base, Scope: goldap.ScopeWholeSubtree, SizeLimit: maxValues,
		Filter: fillFilter(groups.Filter, username, entry.DN), Attributes: []string{groups.Attribute},
	}
	err = d.pool.with(ctx, reading, func(c *conn) error {
		names = nil
		result, err := c.Search(request)
		if err != nil {
			// Some groups missing could open what all of them close.
			return fmt.Errorf("groups: %w", explain(err))
		}
		for _, group := range result.Entries {
			if name := firstText(group, groups.Attribute); name != "" {
				names = append(names, name)
			}
		}
		return nil
	})
	return names, err
}

// disabled says whether an entry matches the filter of those that may not sign in.
func (d *Directory) disabled(ctx context.Context, entry *goldap.Entry) (bool, error) {
	if d.config.Disabled == "" {
		return false, nil
	}
	_, err := d.at(ctx, entry.DN, d.config.Disabled)
	switch {
	case errors.Is(err, errNoEntry):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("disabled: %w", err)
	}
	return true, nil
}
