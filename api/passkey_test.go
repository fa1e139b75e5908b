package api_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"tocsin/internal/testdata"
	"tocsin/people"
)

// A passkey is made, signed in with, refused as a copy and removed in a real
// browser, over the pages as they are.
func TestConformancePasskeyInABrowser(t *testing.T) {
	t.Parallel()
	program, modules := testdata.Node(t, "playwright-core")
	chromium := testdata.Peer(t, "chromium", "chromium-browser", "google-chrome")
	s := serve(t)
	secret, err := s.accounts.SetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "testdata/passkey.mjs", modules, chromium, s.url+"/link/"+secret, good)
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(out)) {
		var step struct {
			Step  string
			Value json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got[step.Step] = string(step.Value)
	}
	for step, want := range map[string]string{
		"failed":     "",
		"added":      `{"count":1,"resident":true,"party":"localhost"}`,
		"signed in":  `"root"`,
		"copied":     "it was copied",
		"removed":    "not accepted",
		"complaints": "[]",
	} {
		if !strings.Contains(got[step], want) || want == "" && got[step] != "" {
			t.Errorf("%s: got %s, want %s", step, got[step], want)
		}
	}
}

func TestPasskeysNeedANameThatBrowsersTrust(t *testing.T) {
	t.Parallel()
	for url, fine := range map[string]bool{
		"https://node.example:8617": true, "http://localhost:8617": true,
		"http://127.0.0.1:8617": false, "https://[::1]:8617": false, "http://node.example": false, "node.example": false, "": false,
	} {
		if _, err := people.NewPasskeys(nil, url); (err == nil) != fine {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestPasskeyAnswersOutOfNothingAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	const assertion = `{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`
	root.json(t, "POST", "/api/v1/session/passkey", assertion, http.StatusForbidden, nil)
	root.json(t, "POST", "/api/v1/session/passkey/begin", "", http.StatusOK, nil)
	root.json(t, "POST", "/api/v1/session/passkey", assertion, http.StatusForbidden, nil)
	root.json(t, "POST", "/api/v1/account/passkeys", `{"name":"x","credential":`+assertion+`}`, http.StatusForbidden, nil)
	root.json(t, "POST", "/api/v1/account/passkeys/begin", "", http.StatusOK, nil)
	root.json(t, "POST", "/api/v1/account/passkeys", `{"name":"x","credential":`+assertion+`}`, http.StatusUnprocessableEntity, nil)
	root.json(t, "DELETE", "/api/v1/account/passkeys/AA", "", http.StatusNotFound, nil)
}
