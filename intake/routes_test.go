package intake_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/intake"
	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/people/peopletest"
)

// Every route is tried by everybody: only who has the right gets past 401 and
// 403.
func TestEveryRouteIsHeldToTheTableOfRights(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	revoked := s.token(t, "gone", people.Sensor)
	if _, err := s.tokens.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	expired, _, err := peopletest.Tokens(t).Create(t.Context(), "x", people.Sensor, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	type bearer struct {
		name, token string
		role        people.Role
	}
	bearers := []bearer{{"nobody", "", ""}, {"revoked", revoked, ""}, {"another node's", expired, ""}}
	for _, role := range people.Roles() {
		bearers = append(bearers, bearer{string(role), s.token(t, "a-"+string(role), role), role})
	}
	for _, route := range append(intake.Routes(), intake.Route{Methods: "GET POST", Pattern: "/_no/such/thing", Right: people.SendTelemetry}) {
		path := strings.NewReplacer("**", "a/b", "*", "a").Replace(route.Pattern)
		for method := range strings.FieldsSeq(route.Methods) {
			for _, bearer := range bearers {
				w := s.ask(method, path, "", "Authorization", "Bearer "+bearer.token)
				got := w.Code
				switch {
				case bearer.role == "" && got != http.StatusUnauthorized,
					bearer.role != "" && !bearer.role.May(route.Right) && got != http.StatusForbidden,
					bearer.role.May(route.Right) && (got == http.StatusUnauthorized || got == http.StatusForbidden):
					t.Errorf("%s %s by %s: %d", method, path, bearer.name, got)
				}
			}
		}
	}
	if len(s.journal.lines("")) != 0 {
		t.Error("something was taken")
	}
}

func TestListeningForOthersNeedsEncryptionOrConsent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		config intake.Config
		want   string
	}{
		{"nothing chosen", intake.Config{}, ""},
		{"this machine, by each name", intake.Config{Listen: "[::1]:1", OTLP: "localhost:2", SyslogUDP: []string{"127.0.0.2:3"}}, ""},
		{"everybody", intake.Config{Listen: ":8617"}, "HTTP on :8617 would be reached by other machines"},
		{"everybody, allowed", intake.Config{Listen: "0.0.0.0:1", SyslogTCP: []string{":2"}, InsecureListen: true}, ""},
		{"encrypted", intake.Config{Listen: ":1", OTLP: ":2", SyslogTLS: []string{":3"}, Cert: "c", Key: "k"}, ""},
		{"a certificate does not encrypt datagrams", intake.Config{SyslogUDP: []string{":1"}, Cert: "c", Key: "k"}, "syslog over UDP"},
		{"TLS without certificate", intake.Config{SyslogTLS: []string{"127.0.0.1:1"}}, "needs a certificate"},
		{"certificate without key", intake.Config{Cert: "c"}, "given together"},
		{"no port", intake.Config{Listen: "127.0.0.1"}, "write HOST:PORT"},
		{"demands without authority", intake.Config{RequireClientCert: true}, "authorities"},
		{"a limit below zero", intake.Config{Limits: intake.Limits{Body: -1}}, "below zero"},
		{"one request larger than all", intake.Config{Limits: intake.Limits{Memory: 1 << 20}}, "all together"},
	} {
		err := test.config.Check()
		if (err == nil) != (test.want == "") || (err != nil && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want))) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
