package store_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// However a URL is written wrongly, and whatever the server says, no error shows
// the password.
func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	const password = "hushhush"
	server := strings.TrimPrefix(storetest.Locked(t, "another"), "postgres://")
	user, rest, _ := strings.Cut(server, "@")
	for name, c := range map[string]struct {
		url  string
		kind error
	}{
		"refused":         {"postgres://" + user + ":" + password + "@" + rest, fault.Unavailable},
		"in the query":    {"postgres://" + user + "@" + rest + "&password=" + password, fault.Unavailable},
		"nobody there":    {"postgres://u:" + password + "@/d?host=/nowhere", fault.Unavailable},
		"bad escape":      {"postgres://u:%zz" + password + "@h/d", fault.Invalid},
		"bad port":        {"postgres://u:p/" + password + "@h/d", fault.Invalid},
		"bad setting":     {"postgres://u:" + password + "@h/d?sslmode=perhaps", fault.Invalid},
		"bad number":      {"postgres://u:" + password + "@h/d?connect_timeout=soon", fault.Invalid},
		"bad certificate": {"postgres://u:" + password + "@h/d?sslmode=verify-full&sslrootcert=/nowhere", fault.Invalid},
		"other scheme":    {"mysql://u:" + password + "@h/d", fault.Invalid},
	} {
		for what, open := range map[string]func() error{
			"open": func() error {
				_, err := store.Open(t.Context(), store.Config{URL: c.url})
				return err
			},
			"claim": func() error {
				_, err := store.TakeClaim(t.Context(), store.Config{URL: c.url})
				return err
			},
		} {
			err := open()
			if err == nil || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if what == "open" && !errors.Is(err, c.kind) {
				t.Errorf("%s: %v, want %v", name, err, c.kind)
			}
		}
	}
}

func TestThePasswordMayStandApart(t *testing.T) {
	t.Parallel()
	config := store.Config{URL: storetest.Locked(t, "hushhush"), Password: "hushhush"}
	db := storetest.Open(t, config)
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	claim, err := store.TakeClaim(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := claim.Release(); err != nil {
		t.Error(err)
	}
}
