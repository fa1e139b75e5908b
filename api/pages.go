package api

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/alliance/answer"
	"tocsin/internal/fault"
	"tocsin/people"
)

// The pages are what a person needs before there is anything else to see: to
// take a link, to sign in, and to keep the account. They work without script,
// but for passkeys.
//
//go:embed pages
var pageFiles embed.FS

// pagesPolicy lets nothing in but what the node itself serves (CSP Level 3).
const pagesPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// pages are the templates, read once a node.
func pages() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"day":    func(t time.Time) string { return t.Format(time.DateOnly) },
		"moment": func(t time.Time) string { return t.Format("2006-01-02 15:04 MST") },
	}).ParseFS(pageFiles, "pages/*.html"))
}

// view is what a page shows.
type view struct {
	Title    string
	Refused  string // why what was asked was not done
	Next     string // where to go on
	Name     string // whose link it is
	Passkeys bool
	Provider string
	Account  people.Account
	Session  string // the one in use
	Sessions []people.Session
	Keys     []people.Passkey
	Form     answer.Form // of a member without a node
}

// show writes a page.
func (a *api) show(w http.ResponseWriter, name string, status int, v view) error {
	var page bytes.Buffer
	if err := a.pages.ExecuteTemplate(&page, name, v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	guardPage(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // nobody is there any more
	return nil
}

func guardPage(h http.Header) {
	h.Set("Content-Security-Policy", pagesPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// pageFile serves what pages are made with.
func (a *api) pageFile(w http.ResponseWriter, r *http.Request) error {
	guardPage(w.Header())
	name := r.PathValue("file")
	if !strings.HasSuffix(name, ".css") && !strings.HasSuffix(name, ".js") {
		return fmt.Errorf("no page file %q: %w", name, fault.NotFound)
	}
	http.ServeFileFS(w, r, pageFiles, "pages/"+name)
	return nil
}

// said is how a page tells a refusal, and with which status.
func (a *api) said(w http.ResponseWriter, err error) (text string, code int) {
	code = status(w, err)
	if code == http.StatusInternalServerError {
		a.Log.Error("page failed", slog.Any("error", err))
		return "Internal error; the node's log says which.", code
	}
	text, _, _ = strings.Cut(err.Error(), "\n")
	for _, kind := range statuses {
		text = strings.TrimSuffix(text, ": "+kind.kind.Error())
	}
	return strings.ToUpper(text[:1]) + text[1:] + ".", code
}

// path keeps where to go on within the node: a path, and no address.
func path(next string) string {
	const otherwise = "/account"
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
		return otherwise
	}
	return next
}

func (a *api) signInPage(w http.ResponseWriter, r *http.Request) error {
	if people.From(r.Context()).Session != "" {
		http.Redirect(w, r, path(r.URL.Query().Get("next")), http.StatusSeeOther)
		return nil
	}
	return a.showSignIn(w, http.StatusOK, path(r.URL.Query().Get("next")), "")
}

func (a *api) showSignIn(w http.ResponseWriter, status int, next, refused string) error {
	v := view{Title: "Sign in", Next: next, Refused: refused, Passkeys: a.Passkeys != nil}
	if a.Provider != nil {
		v.Provider = a.Provider.Name()
	}
	return a.show(w, "sign-in", status, v)
}

func (a *api) signInForm(w http.ResponseWriter, r *http.Request) error {
	form, err := formOf(r)
	if err != nil {
		return err
	}
	next := path(form.Get("next"))
	signed, err := a.Accounts.SignIn(r.Context(), form.Get("name"), form.Get("password"), client(r))
	if err == nil {
		err = a.Accounts.Remember(w, r, signed)
	}
	if err != nil {
		text, status := a.said(w, err)
		return a.showSignIn(w, status, next, text)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// formOf reads a form. The error is fault.Invalid.
func formOf(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("form: %w: %w", err, fault.Invalid)
	}
	return r.PostForm, nil
}

func (a *api) signOutForm(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	if err := a.Accounts.EndSession(r.Context(), who.ID, who.Session); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	a.Accounts.Forget(w)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}

func (a *api) linkPage(w http.ResponseWriter, r *http.Request) error {
	return a.showLink(w, r, http.StatusOK, "")
}

func (a *api) showLink(w http.ResponseWriter, r *http.Request, status int, refused string) error {
	link, err := a.Accounts.Link(r.Context(), r.PathValue("secret"))
	if err != nil {
		text, status := a.said(w, err)
		return a.show(w, "gone", status, view{Title: "This link is no longer good", Refused: text})
	}
	title := map[people.Purpose]string{
		people.PurposeSetup: "Set this node up", people.PurposeInvite: "Welcome", people.PurposeReset: "Choose a new password",
	}[link.Purpose]
	return a.show(w, "link", status, view{Title: title, Name: link.Name, Refused: refused})
}

func (a *api) linkForm(w http.ResponseWriter, r *http.Request) error {
	form, err := formOf(r)
	if err != nil {
		return err
	}
	if form.Get("password") != form.Get("again") {
		return a.showLink(w, r, http.StatusUnprocessableEntity, "The two passwords differ.")
	}
	entry := people.Entry{Name: form.Get("name"), Display: form.Get("display"), Password: form.Get("password")}
	signed, err := a.Accounts.UseLink(r.Context(), r.PathValue("secret"), entry, client(r))
	if err == nil {
		err = a.Accounts.Remember(w, r, signed)
	}
	if err != nil {
		text, status := a.said(w, err)
		return a.showLink(w, r, status, text)
	}
	http.Redirect(w, r, path(""), http.StatusSeeOther)
	return nil
}
