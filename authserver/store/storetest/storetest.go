package storetest

import (
	"errors"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// check is one promise of the interface, tried on a store that is empty.
type check struct {
	name string
	run  func(t *testing.T, s store.Store)
}

// Run tries every promise that one process can see. open gives an empty store
// that lives as long as its test.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	groups := []struct {
		name   string
		checks []check
	}{
		{"Grant", grantChecks},
		{"Code", codeChecks},
		{"Refresh", refreshChecks},
		{"Touch", touchChecks},
		{"Revocation", revocationChecks},
		{"RevokeAll", revokeAllChecks},
		{"Overview", overviewChecks},
		{"Denial", denialChecks},
		{"Spent", spentChecks},
		{"Attempt", attemptChecks},
		{"Session", sessionChecks},
		{"Logout", logoutChecks},
		{"Consent", consentChecks},
		{"Credential", credentialChecks},
		{"SeenAccount", seenAccountChecks},
		{"Key", keyChecks},
		{"Audit", auditChecks},
		{"Client", clientChecks},
		{"Account", accountChecks},
		{"Realm", realmChecks},
		{"Log", logChecks},
		{"Transfer", transferChecks},
		{"KeyRotation", keyRotationChecks},
		{"KeyRewrap", keyRewrapChecks},
		{"Maintenance", maintenanceChecks},
		{"Restore", restoreChecks},
		{"Clock", clockChecks},
		{"Life", lifeChecks},
		{"Hostile", hostileChecks},
		{"Race", raceChecks},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.checks {
				t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
			}
		})
	}
}

// rounds is how often a race is run: n, or more when asked.
func rounds(n int) int {
	if factor, err := strconv.Atoi(os.Getenv("STORETEST_ROUNDS")); err == nil && factor > 0 {
		return n * factor
	}
	return n
}

// start is the moment at which the tests begin.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// at is a moment some seconds after start.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// must ends the test when a step fails that has to succeed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// got is must for steps that give a value.
func got[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return value
	}
}

// wantError checks which of the interface's errors a step gave.
func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// wantEqual compares field by field.
func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// wantNoZeroField sees that a fixture leaves no field to chance: one that is
// forgotten somewhere between memory and disk would else go unseen.
func wantNoZeroField(t *testing.T, fixture any) {
	t.Helper()
	value := reflect.ValueOf(fixture)
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Fatalf("the fixture's field %s is zero", value.Type().Field(i).Name)
		}
	}
}
