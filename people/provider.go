package people

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// ProviderConfig is an OpenID Connect provider that people of the organisation
// sign in at.
type ProviderConfig struct {
	// Name is what people call it.
	Name string
	// Issuer is its URL; ClientID and Secret are what it knows the node by.
	Issuer   string
	ClientID string
	Secret   Secret
	// Redirect is the URL at which the node takes the browser back.
	Redirect string
	// Scopes are asked for beside openid, profile and email.
	Scopes []string
	// RoleClaim is the claim that says what somebody is, "roles" when empty; dots
	// lead into objects, as realm_access.roles. Roles says what role of ours each
	// of its values is; of several the highest counts. Who has none is refused.
	RoleClaim string
	Roles     map[string]Role
	// Client asks the provider.
	Client *http.Client
}

// Secret is a text that does not show where it is printed.
type Secret string

// String hides the secret.
func (Secret) String() string { return "[redacted]" }

// GoString hides the secret.
func (Secret) GoString() string { return "[redacted]" }

// Provider signs people in who are known to an OpenID Connect provider. It is
// safe for concurrent use.
type Provider struct {
	accounts *Accounts
	config   ProviderConfig

	mu    sync.Mutex
	known *oidc.Provider // nil until the provider answered; guarded by mu
}

// NewProvider returns a provider that is asked for its own description with the
// first sign-in: that it is away keeps no node from starting. The error is
// fault.Invalid.
func NewProvider(accounts *Accounts, config ProviderConfig) (*Provider, error) {
	issuer, err := url.Parse(config.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Hostname() != "localhost" && issuer.Hostname() != "127.0.0.1":
		return nil, fmt.Errorf("sign-in provider: issuer %q: write https://…: %w", config.Issuer, fault.Invalid)
	case config.ClientID == "" || config.Redirect == "":
		return nil, fmt.Errorf("sign-in provider: client_id and the node's own URL are needed: %w", fault.Invalid)
	case len(config.Roles) == 0:
		return nil, fmt.Errorf("sign-in provider: roles: say which values of the claim %q are which roles, else nobody may sign in: %w", cmp.Or(config.RoleClaim, defaultRoleClaim), fault.Invalid)
	}
	for value, role := range config.Roles {
		if _, err := personRole(string(role)); err != nil {
			return nil, fmt.Errorf("sign-in provider: roles: %q: %w", value, err)
		}
	}
	config.RoleClaim, config.Name = cmp.Or(config.RoleClaim, defaultRoleClaim), cmp.Or(config.Name, issuer.Host)
	return &Provider{accounts: accounts, config: config}, nil
}

const defaultRoleClaim = "roles"

// ProviderPath is where the node takes browsers back, below its URL.
const ProviderPath = "/sign-in/provider/back"

// Name is what people call the provider.
func (p *Provider) Name() string { return p.config.Name }

// asked is what is remembered while somebody is at the provider.
type asked struct {
	Nonce, Verifier string
	Next            string // where the browser wanted to go
}

// Begin returns where to send the browser of somebody who signs in, and the
// step to finish with. The error is fault.Unavailable when the provider does
// not answer.
func (p *Provider) Begin(ctx context.Context, next string, from Client) (to, step string, err error) {
	known, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	a := asked{Nonce: newSecret(""), Verifier: oauth2.GenerateVerifier(), Next: next}
	if step, err = p.accounts.begin(ctx, WayProvider, from.Address, a); err != nil {
		return "", "", err
	}
	return p.oauth(known).AuthCodeURL(stateOf(step), oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), step, nil
}

// stateOf is what goes through the provider for a step, which itself does not.
func stateOf(step string) string { return hashOf("state of " + step).String() }

// discover asks the provider for its description, until it has answered once.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	// The library keeps the context to fetch keys with, later than this request.
	known, err := oidc.NewProvider(p.asking(context.WithoutCancel(ctx)), p.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("sign-in provider %s: %w: %w", p.config.Issuer, err, fault.Unavailable)
	}
	p.known = known
	return known, nil
}

// asking returns a context in which the libraries use our client.
func (p *Provider) asking(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, cmp.Or(p.config.Client, http.DefaultClient))
}

func (p *Provider) oauth(known *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: string(p.config.Secret), RedirectURL: p.config.Redirect, Endpoint: known.Endpoint(),
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, p.config.Scopes...),
	}
}

// ErrProvider refuses a sign-in at a provider. It is fault.Forbidden.
var ErrProvider = fmt.Errorf("the sign-in at the provider is not accepted: %w", fault.Forbidden)

// Finish begins a session for who comes back from the provider with a query,
// and returns where they wanted to go. Who comes for the first time gets an
// account; their role is what the provider says it is, each time. The error is
// ErrProvider or fault.Unavailable.
func (p *Provider) Finish(ctx context.Context, step string, query url.Values, from Client) (signed SignedIn, next string, err error) {
	var a asked
	if err := p.accounts.finish(ctx, WayProvider, step, &a); err != nil {
		return signed, "", err
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(stateOf(step))) != 1 {
		return signed, "", fmt.Errorf("%w: it was begun in another browser", ErrProvider)
	}
	if query.Get("error") != "" {
		return signed, "", fmt.Errorf("%w: the provider says %q", ErrProvider, clean(query.Get("error"), maxAgent))
	}
	claims, err := p.claims(ctx, query.Get("code"), a)
	if err != nil {
		return signed, "", err
	}
	err = p.accounts.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, err := p.account(ctx, tx, claims, from)
		if err != nil {
			return err
		}
		signed, err = p.accounts.enter(ctx, tx, account.ID, WayProvider, from)
		return err
	})
	return signed, a.Next, err
}

// claimed is what a provider says of somebody.
type claimed struct {
	subject, name, display, mail string
	role                         Role
}

// claims redeems a code and returns what the provider says of its bearer.
func (p *Provider) claims(ctx context.Context, code string, a asked) (claimed, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return claimed{}, err
	}
	token, err := p.oauth(known).Exchange(p.asking(ctx), code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		if _, refused := errors.AsType[*oauth2.RetrieveError](err); refused {
			return claimed{}, fmt.Errorf("%w: %w", ErrProvider, err)
		}
		return claimed{}, fmt.Errorf("sign-in provider: %w: %w", err, fault.Unavailable)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := known.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.accounts.now}).Verify(p.asking(ctx), raw)
	if err != nil {
		return claimed{}, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(a.Nonce)) != 1 {
		return claimed{}, fmt.Errorf("%w: it answers another question", ErrProvider)
	}
	all := map[string]any{}
	if err := verified.Claims(&all); err != nil {
		return claimed{}, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	if p.role(all) == "" { // some providers tell the rest only when asked
		if err := p.ask(ctx, known, token, verified.Subject, all); err != nil {
			return claimed{}, err
		}
	}
	return p.read(verified.Subject, all)
}

// ask adds what the provider's userinfo endpoint tells of somebody, where there
// is one. What the signed token says counts first.
func (p *Provider) ask(ctx context.Context, known *oidc.Provider, token *oauth2.Token, subject string, all map[string]any) error {
	if known.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := known.UserInfo(p.asking(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProvider, err)
	}
	if info.Subject != subject { // OpenID Connect Core §5.3.2
		return fmt.Errorf("%w: it tells of somebody else", ErrProvider)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: %w", ErrProvider, err)
	}
	maps.Copy(more, all)
	maps.Copy(all, more)
	return nil
}

// read takes from all claims those that we ask for.
func (p *Provider) read(subject string, all map[string]any) (claimed, error) {
	text := func(key string) string {
		value, _ := all[key].(string)
		return value
	}
	c := claimed{subject: subject, name: text("preferred_username"), display: clean(text("name"), maxDisplay), role: p.role(all)}
	if verified, _ := all["email_verified"].(bool); verified {
		c.mail = text("email")
	}
	if c.role == "" {
		return c, fmt.Errorf("%w: the provider gives you no role here; ask for one", ErrProvider)
	}
	return c, nil
}

// role returns the highest role that the claims give.
func (p *Provider) role(all map[string]any) Role {
	var value any = all
	for part := range strings.SplitSeq(p.config.RoleClaim, ".") {
		object, _ := value.(map[string]any)
		value = object[part]
	}
	if one, ok := value.(string); ok {
		value = []any{one}
	}
	values, _ := value.([]any)
	var highest Role
	for _, v := range values {
		text, _ := v.(string)
		if role := p.config.Roles[text]; slices.Index(Roles(), role) > slices.Index(Roles(), highest) {
			highest = role
		}
	}
	return highest
}

// account returns the account of somebody, which is made or brought up to date.
// An account that was made otherwise is never taken for theirs, whatever name or
// mail address the provider says: names are the provider's to give.
func (p *Provider) account(ctx context.Context, tx *store.Tx, c claimed, from Client) (Account, error) {
	id, err := selectExternal(ctx, tx, p.config.Issuer, c.subject)
	if err != nil {
		return Account{}, err
	}
	if id == "" {
		return p.make(ctx, tx, c, from)
	}
	before, err := account1(ctx, tx, id)
	if err != nil || before.Role == c.role {
		return before, err
	}
	after := before
	after.Role = c.role
	ctx = With(ctx, Identity{Kind: KindAccount, ID: before.ID, Name: before.Name, Role: before.Role, Address: from.Address})
	if err := updateAccount(ctx, tx, after); err != nil {
		return after, err
	}
	return after, p.accounts.record(ctx, tx, "account.change", after.subject(), before.shown(), after.shown())
}

// make makes the account of somebody who comes for the first time.
func (p *Provider) make(ctx context.Context, tx *store.Tx, c claimed, from Client) (Account, error) {
	account := Account{Display: c.display, Mail: c.mail, Role: c.role}
	if (&Account{Name: "x", Mail: c.mail, Role: c.role}).check() != nil {
		account.Mail = ""
	}
	var err error
	if account.Name, err = freeName(ctx, tx, c.name, hashOf(p.config.Issuer+"\x00"+c.subject)); err != nil {
		return account, err
	}
	if account, err = p.accounts.insert(ctx, tx, account); err != nil {
		return account, err
	}
	if err := insertExternal(ctx, tx, p.config.Issuer, c.subject, account.ID); err != nil {
		return account, err
	}
	ctx = With(ctx, Identity{Kind: KindAccount, ID: account.ID, Name: account.Name, Role: account.Role, Address: from.Address})
	return account, p.accounts.record(ctx, tx, "account.enter", account.subject(), nil, map[string]any{"by": WayProvider, "role": account.Role})
}

// freeName returns a name for an account: the one wanted as far as it will do,
// with something of the subject's hash when another has it.
func freeName(ctx context.Context, tx *store.Tx, wanted string, sum hash) (string, error) {
	name := strings.Map(func(r rune) rune {
		if unfit(r) {
			return -1
		}
		return r
	}, strings.ToLower(wanted))
	const room = 2 * idBytes // what is added may have to fit in
	if name = name[:min(len(name), maxName-room-1)]; name == "" {
		return sum.id(), nil
	}
	_, taken, err := selectAccount(ctx, tx, name)
	if taken {
		name += "-" + sum.id()
	}
	return name, err
}
