package importer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// amClient is the document of one client.
type amClient struct {
	ID       string            `json:"_id"`
	Provider amSettings        `json:"_provider"`
	Core     map[string]amItem `json:"coreOAuth2ClientConfig"`
	Advanced map[string]amItem `json:"advancedOAuth2ClientConfig"`
	OpenID   map[string]amItem `json:"coreOpenIDClientConfig"`
	SignEnc  map[string]amItem `json:"signEncOAuth2ClientConfig"`
	Override map[string]amItem `json:"overrideOAuth2ClientConfig"`
}

func (c *amClient) advanced() map[string]amItem { return c.Advanced }
func (c *amClient) openID() map[string]amItem   { return c.OpenID }
func (c *amClient) signEnc() map[string]amItem  { return c.SignEnc }

func (c *amClient) override() map[string]amItem {
	if !c.overrides() {
		return nil
	}
	return c.Override
}

// amSettings is what an export may tell of the realm's OAuth2 provider.
type amSettings struct {
	Advanced map[string]amItem `json:"advancedOAuth2Config"`
	Consent  map[string]amItem `json:"consent"`
}

// amItem is a setting: bare, or as {"inherited": …, "value": …}.
type amItem struct {
	inherited bool
	value     any
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *amItem) UnmarshalJSON(text []byte) error {
	var wrapped struct {
		Inherited *bool `json:"inherited"`
		Value     any   `json:"value"`
	}
	if text[0] == '{' && json.Unmarshal(text, &wrapped) == nil && wrapped.Inherited != nil {
		i.inherited, i.value = *wrapped.Inherited, wrapped.Value
		return nil
	}
	return json.Unmarshal(text, &i.value)
}

// list reads a list of texts, or one text.
func (i amItem) list() []string {
	switch value := i.value.(type) {
	case string:
		return []string{value}
	case []any:
		var out []string
		for _, item := range value {
			if text, ok := item.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}

func (i amItem) text() string {
	if list := i.list(); len(list) > 0 {
		return list[0]
	}
	return ""
}

func (i amItem) number() int64 {
	number, _ := i.value.(float64)
	return int64(number)
}

func (i amItem) yes() bool {
	yes, ok := i.value.(bool)
	return yes || !ok && i.text() == "true"
}

// set says that there is a text, script that a script is named.
func (i amItem) set() bool    { return i.text() != "" }
func (i amItem) script() bool { return i.set() && i.text() != "[Empty]" }

// amClients finds the clients of a document, whatever its form.
func amClients(document []byte) ([]amClient, error) {
	if trimmed := strings.TrimSpace(string(document)); strings.HasPrefix(trimmed, "[") {
		var clients []amClient
		err := read(document, &clients)
		return clients, err
	}
	var all struct {
		amClient
		Result       []amClient          `json:"result"`
		Application  map[string]amClient `json:"application"`
		Applications map[string]amClient `json:"applications"`
	}
	if err := read(document, &all); err != nil {
		return nil, err
	}
	clients := all.Result
	for _, named := range []map[string]amClient{all.Application, all.Applications} {
		for _, id := range slices.Sorted(maps.Keys(named)) {
			client := named[id]
			if client.ID == "" {
				client.ID = id
			}
			clients = append(clients, client)
		}
	}
	if all.Core != nil {
		clients = append(clients, all.amClient)
	}
	return clients, nil
}
