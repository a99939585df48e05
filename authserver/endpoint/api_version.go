package endpoint

import (
	"errors"
	"strings"
)

// apiVersion is what a request asks for in Accept-API-Version: the versions of
// the resource and of the protocol, such as "2.0" and "1.0".
type apiVersion struct{ resource, protocol string }

var errAPIVersion = errors.New("not an Accept-API-Version")

// unroutableVersion is a well-formed version that we do not speak.
type unroutableVersion struct{ version string }

func (e *unroutableVersion) Error() string { return "version " + e.version + " is not served" }

// parseAPIVersion reads the values of the header: name=major.minor members in
// any order, each at most once. Without a header it is resource 2.0, protocol
// 1.0. Of either there are the major versions 1 and 2.
func parseAPIVersion(values []string) (apiVersion, error) {
	version := apiVersion{resource: "2.0", protocol: "1.0"}
	if len(values) == 0 {
		return version, nil
	}
	seen := map[string]bool{}
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(member), "=")
		name, number = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(number)
		major, minor, _ := strings.Cut(number, ".")
		if seen[name] || !shortDigits(major) || !shortDigits(minor) {
			return apiVersion{}, errAPIVersion
		}
		seen[name] = true
		switch name {
		case "resource":
			version.resource = number
		case "protocol":
			version.protocol = number
		default:
			return apiVersion{}, errAPIVersion
		}
		if major != "1" && major != "2" {
			return apiVersion{}, &unroutableVersion{number}
		}
	}
	return version, nil
}

func shortDigits(text string) bool {
	return text != "" && len(text) <= 4 && strings.Trim(text, "0123456789") == ""
}

// String is the value of Content-API-Version.
func (v apiVersion) String() string { return "resource=" + v.resource + ", protocol=" + v.protocol }

// legacy says whether failures have the shape of resource version 1.
func (v apiVersion) legacy() bool { return strings.HasPrefix(v.resource, "1.") }
