package endpoint

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAPIVersion(t *testing.T) {
	for _, test := range []struct {
		name   string
		header []string
		want   string
	}{
		{"none", nil, "resource=2.0, protocol=1.0"},
		{"as AM documents it", []string{"resource=2.0, protocol=1.0"}, "resource=2.0, protocol=1.0"},
		{"the other way round", []string{"protocol=1.0,resource=2.1"}, "resource=2.1, protocol=1.0"},
		{"one of the two", []string{"resource=1.1"}, "resource=1.1, protocol=1.0"},
		{"in two headers", []string{"resource=1.0", "protocol=2.1"}, "resource=1.0, protocol=2.1"},
		{"spaces and case", []string{" Resource = 2.0 , PROTOCOL=1.0 "}, "resource=2.0, protocol=1.0"},
	} {
		version, err := parseAPIVersion(test.header)
		if err != nil || version.String() != test.want {
			t.Errorf("%s: %v, %v", test.name, version, err)
		}
		if version.legacy() != strings.Contains(test.want, "resource=1.") {
			t.Errorf("%s: legacy %v", test.name, version.legacy())
		}
	}
	for _, header := range []string{
		"", ",", "resource", "resource=", "resource=2", "resource=.0", "resource=2.", "resource=2.0.1", "resource=2.x",
		"resource=-2.0", "resource=2.0,resource=2.0", "resource=2.0;protocol=1.0", "cookie=1.0", "resource=99999.0",
		`resource="2.0"`, "resource=<b>.0", "resource=2.0,", "=2.0",
	} {
		if version, err := parseAPIVersion([]string{header}); !errors.Is(err, errAPIVersion) {
			t.Errorf("%q: %v, %v", header, version, err)
		}
	}
	for header, version := range map[string]string{
		"resource=999.0": "999.0", "protocol=3.0, resource=2.0": "3.0", "resource=0.1": "0.1", "resource=02.0": "02.0",
	} {
		_, err := parseAPIVersion([]string{header})
		var unroutable *unroutableVersion
		if !errors.As(err, &unroutable) || unroutable.version != version {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func FuzzParseAPIVersion(f *testing.F) {
	for _, seed := range []string{"", "resource=2.0, protocol=1.0", "resource=999.0", "protocol=1.0", "=,=", "resource=1.0,resource=2.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		version, err := parseAPIVersion([]string{header})
		var unroutable *unroutableVersion
		switch {
		case errors.As(err, &unroutable):
			// It is told to the caller, so it is digits and a dot and nothing else.
			if strings.Trim(unroutable.version, "0123456789.") != "" || len(unroutable.version) > 9 {
				t.Errorf("%q gave %q", header, unroutable.version)
			}
		case err == nil:
			again, err := parseAPIVersion([]string{version.String()})
			if err != nil || again != version {
				t.Errorf("%q reads as %v and then as %v (%v)", header, version, again, err)
			}
		}
	})
}
