package api_test

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"tocsin/api"
	"tocsin/internal/testdata"
	"tocsin/people"
)

// provider is an OpenID Connect provider of another's making.
type provider struct{ issuer string }

// startProvider starts one that knows a node, which is reached at a URL.
func startProvider(t *testing.T, node string, claimsAtUserinfo bool) *provider {
	t.Helper()
	program, modules := testdata.Node(t, "oidc-provider")
	command := exec.Command(program, "testdata/provider.mjs", modules, "tocsin", "the client's secret", node+people.ProviderPath)
	command.Env = append(os.Environ(), "CLAIMS_AT_USERINFO=0")
	if claimsAtUserinfo {
		command.Env = append(os.Environ(), "CLAIMS_AT_USERINFO=1")
	}
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider did not start: %v", err)
	}
	return &provider{strings.TrimSpace(line)}
}

// say tells the provider what somebody is.
func (p *provider) say(t *testing.T, name, roles string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.issuer+"/people/"+name, strings.NewReader(roles))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// withProvider has a node's people sign in at the provider.
func withProvider(t *testing.T, p **provider, claimsAtUserinfo bool) func(*served, *api.Config) {
	t.Helper()
	return func(s *served, c *api.Config) {
		*p = startProvider(t, s.url, claimsAtUserinfo)
		var err error
		c.Provider, err = people.NewProvider(c.Accounts, people.ProviderConfig{
			Name: "the company", Issuer: (*p).issuer, ClientID: "tocsin", Secret: "the client's secret", Redirect: s.url + people.ProviderPath,
			RoleClaim: "realm_access.roles", Roles: map[string]people.Role{"soc": people.Analyst, "soc-lead": people.Commander},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// begin goes to the provider as a browser does, and returns where that is.
func (b *browser) begin(t *testing.T) string {
	t.Helper()
	status, to, text := b.page(t, "/sign-in/provider?next="+url.QueryEscape("/account?from=there"))
	if status != http.StatusSeeOther {
		t.Fatalf("to the provider: %d %s", status, text)
	}
	return to
}

// atProvider signs somebody in there and consents, and returns where the
// provider sends the browser back to.
func atProvider(t *testing.T, to, name string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back string
	person := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == people.ProviderPath {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	action := regexp.MustCompile(`action="([^"]+)"`)
	prompt := regexp.MustCompile(`name="prompt" value="([^"]+)"`)
	response, err := person.Get(to)
	for range 5 {
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if back != "" {
			return back
		}
		form, kind := action.FindSubmatch(page), prompt.FindSubmatch(page)
		if form == nil || kind == nil {
			t.Fatalf("the provider answers %s: %s", response.Status, page)
		}
		response, err = person.PostForm(html.UnescapeString(string(form[1])), url.Values{"prompt": {string(kind[1])}, "login": {name}, "password": {"x"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the provider asks without end")
	return ""
}

func TestConformanceSignInAtAProvider(t *testing.T) {
	t.Parallel()
	var p *provider
	s := serve(t, withProvider(t, &p, false))
	root := s.setUp(t)
	if _, _, text := s.browser(t).page(t, "/sign-in"); !strings.Contains(text, "Sign in with the company") {
		t.Errorf("the provider is not offered: %s", text)
	}
	signIn := func(name string) (*browser, int, string, string) {
		b := s.browser(t)
		status, to, text := b.page(t, atProvider(t, b.begin(t), name))
		return b, status, to, text
	}
	who := func(b *browser) (account people.Account) {
		b.json(t, "GET", "/api/v1/account", "", http.StatusOK, &account)
		return account
	}

	// Who has no role there is nobody here.
	if _, status, _, text := signIn("eve"); status != http.StatusForbidden || !strings.Contains(text, "no role here") {
		t.Errorf("without a role: %d %s", status, text)
	}
	// Who comes for the first time gets an account, of the highest role.
	p.say(t, "ann", `["other","soc-lead","soc"]`)
	b, status, to, text := signIn("ann")
	if status != http.StatusSeeOther || to != "/account?from=there" {
		t.Fatalf("signed in: %d %s %s", status, to, text)
	}
	ann := who(b)
	if ann.Name != "ann" || ann.Role != people.Commander || ann.Display != "ann of the provider" || ann.Mail != "ann@provider.example" || len(ann.Ways) != 1 || ann.Ways[0] != people.WayProvider {
		t.Errorf("account: %+v", ann)
	}
	// The provider says each time what somebody is.
	p.say(t, "ann", `["soc"]`)
	if b, _, _, _ = signIn("ann"); who(b).Role != people.Analyst || who(b).ID != ann.ID {
		t.Errorf("a new role: %+v", who(b))
	}
	p.say(t, "ann", `[]`)
	if _, status, _, _ := signIn("ann"); status != http.StatusForbidden {
		t.Errorf("no role any more: %d", status)
	}
	p.say(t, "ann", `["soc"]`)
	root.json(t, "PATCH", "/api/v1/people/ann", `{"disabled":true}`, http.StatusOK, nil)
	if _, status, _, _ := signIn("ann"); status != http.StatusForbidden {
		t.Errorf("disabled here: %d", status)
	}
	// An account that was made here is nobody's there, whatever they are called.
	p.say(t, "root", `["soc"]`)
	if b, _, _, _ := signIn("root"); !strings.HasPrefix(who(b).Name, "root-") || who(b).Role != people.Analyst {
		t.Errorf("another root: %+v", who(b))
	}
	if status, _, text := s.browser(t).page(t, people.ProviderPath+"?error=access_denied&state=x"); status != http.StatusForbidden {
		t.Errorf("out of nothing: %d %s", status, text)
	}
}

// What comes back is taken only once, only from the browser that went, and only
// as the answer to what it went with.
func TestConformanceProviderAnswersAreBound(t *testing.T) {
	t.Parallel()
	var p *provider
	s := serve(t, withProvider(t, &p, false))
	p.say(t, "ann", `["soc"]`)
	changed := func(to, key, value string) string {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		if query.Get(key) == "" {
			t.Fatalf("no %s in %s", key, to)
		}
		query.Set(key, value)
		u.RawQuery = query.Encode()
		return u.String()
	}
	for name, come := range map[string]func(*browser) (int, string){
		"another browser": func(b *browser) (int, string) {
			status, _, text := s.browser(t).page(t, atProvider(t, b.begin(t), "ann"))
			return status, text
		},
		"the state of another sign-in": func(b *browser) (int, string) {
			back := atProvider(t, b.begin(t), "ann")
			other := s.browser(t)
			other.begin(t) // as somebody who is to be signed in as ann
			status, _, text := other.page(t, back)
			return status, text
		},
		"a second time": func(b *browser) (int, string) {
			back := atProvider(t, b.begin(t), "ann")
			if status, _, text := b.page(t, back); status != http.StatusSeeOther {
				t.Errorf("the first time: %d %s", status, text)
			}
			b.Jar, _ = cookiejar.New(nil)
			status, _, text := b.page(t, back)
			return status, text
		},
		"another nonce": func(b *browser) (int, string) {
			status, _, text := b.page(t, atProvider(t, changed(b.begin(t), "nonce", "x"), "ann"))
			return status, text
		},
		"another code challenge": func(b *browser) (int, string) {
			status, _, text := b.page(t, atProvider(t, changed(b.begin(t), "code_challenge", strings.Repeat("x", 43)), "ann"))
			return status, text
		},
		"a made-up code": func(b *browser) (int, string) {
			status, _, text := b.page(t, changed(atProvider(t, b.begin(t), "ann"), "code", "x"))
			return status, text
		},
	} {
		if status, text := come(s.browser(t)); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestConformanceProviderWithClaimsAtUserinfo(t *testing.T) {
	t.Parallel()
	var p *provider
	s := serve(t, withProvider(t, &p, true))
	p.say(t, "ann", `["soc"]`)
	b := s.browser(t)
	if status, _, text := b.page(t, atProvider(t, b.begin(t), "ann")); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, text)
	}
	var ann people.Account
	b.json(t, "GET", "/api/v1/account", "", http.StatusOK, &ann)
	if ann.Name != "ann" || ann.Role != people.Analyst {
		t.Errorf("account: %+v", ann)
	}
}

func TestProviderThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ *served, c *api.Config) {
		var err error
		c.Provider, err = people.NewProvider(c.Accounts, people.ProviderConfig{
			Issuer: "http://127.0.0.1:1", ClientID: "x", Redirect: "http://localhost/", Roles: map[string]people.Role{"a": people.Viewer},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if status, _, _ := s.browser(t).page(t, "/sign-in/provider"); status != http.StatusServiceUnavailable {
		t.Errorf("away: %d", status)
	}
	without := serve(t)
	for _, path := range []string{"/sign-in/provider", people.ProviderPath} {
		if status, _, _ := without.browser(t).page(t, path); status != http.StatusNotFound {
			t.Errorf("%s without a provider: %d", path, status)
		}
	}
}
