package notify_test

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/notify/notifytest"
	"tocsin/internal/store/storetest"
)

func passwordFile(tb testing.TB, password string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestConnectionIsEncryptedAndPasswordsAreShownAsConfigured(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		server   notifytest.Config
		security notify.Security
		password string
		want     string // in the error; "" when mail goes
	}{
		{"STARTTLS, no password", notifytest.Config{StartTLS: true}, notify.StartTLS, "", ""},
		{"STARTTLS is the default", notifytest.Config{StartTLS: true}, "", "", ""},
		{"STARTTLS, PLAIN", notifytest.Config{StartTLS: true, Ways: []string{"PLAIN"}}, notify.StartTLS, notifytest.Password, ""},
		{"STARTTLS, LOGIN", notifytest.Config{StartTLS: true, Ways: []string{"LOGIN"}}, notify.StartTLS, notifytest.Password, ""},
		{"STARTTLS, CRAM-MD5", notifytest.Config{StartTLS: true, Ways: []string{"CRAM-MD5"}}, notify.StartTLS, notifytest.Password, ""},
		{"STARTTLS is not offered", notifytest.Config{}, notify.StartTLS, "", "STARTTLS"},
		{"TLS, PLAIN", notifytest.Config{Implicit: true, Ways: []string{"PLAIN", "LOGIN"}}, notify.TLS, notifytest.Password, ""},
		{"TLS, LOGIN", notifytest.Config{Implicit: true, Ways: []string{"LOGIN"}}, notify.TLS, notifytest.Password, ""},
		{"no TLS where it should be", notifytest.Config{}, notify.TLS, "", "tls"},
		{"unencrypted, CRAM-MD5", notifytest.Config{Ways: []string{"CRAM-MD5", "PLAIN"}}, notify.NoSecurity, notifytest.Password, ""},
		{"unencrypted, PLAIN only", notifytest.Config{Ways: []string{"PLAIN"}}, notify.NoSecurity, notifytest.Password, "auth"},
		{"a wrong password", notifytest.Config{StartTLS: true, Ways: []string{"PLAIN"}}, notify.StartTLS, "hush-wrong", "not the password: [redacted]"},
		{"a password that is not asked for", notifytest.Config{StartTLS: true}, notify.StartTLS, notifytest.Password, "AUTH"},
		{"a password that is not given", notifytest.Config{StartTLS: true, Ways: []string{"PLAIN"}}, notify.StartTLS, "", "Authentication required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := notifytest.Start(t, test.server)
			config := mailConfig(server)
			config.Security = test.security
			if test.password != "" {
				config.Username, config.PasswordFile = notifytest.User, passwordFile(t, test.password)
			}
			db := storetest.Open(t, storetest.SQLite(t), rooms()...)
			p := open(t, db, notify.Config{Mail: config})
			_, err := p.SendNow(t.Context(), notify.Mail("ann@example.org"), reminder())
			switch {
			case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), notifytest.Password)):
				t.Errorf("the error holds the password: %v", err)
			}
			if n := len(server.Took()); (n == 1) != (test.want == "") {
				t.Errorf("the server took %d mails", n)
			}
			found := p.Probe(t.Context())
			lets := test.want == "" || test.want == "Authentication required" // which is only asked for with a mail
			if len(found) != 1 || (found[0].Err == nil) != lets {
				t.Errorf("probe: %+v", found)
			}
		})
	}
}

func TestCertificatesThatNobodyVouchesForAreRefused(t *testing.T) {
	t.Parallel()
	server := notifytest.Start(t, notifytest.Config{StartTLS: true})
	config := mailConfig(server)
	config.Security, config.Roots = notify.StartTLS, nil
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	_, err := open(t, db, notify.Config{Mail: config}).SendNow(t.Context(), notify.Mail("ann@example.org"), reminder())
	if err == nil || !strings.Contains(err.Error(), "certificate") || len(server.Took()) > 0 {
		t.Errorf("got %v", err)
	}
}

// body decodes a part of a mail.
func body(t *testing.T, encoding string, r io.Reader) string {
	t.Helper()
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func decoded(t *testing.T, header string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMailReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, title, text string }{
		{"English", "A report is due", "It is due.\n.\nFrom here on\n"},
		{"Chinese", "网络安全事件：初次报告将在两小时内到期（重大）", strings.Repeat("请立即报告。\n", 40)},
		{"long", strings.Repeat("Störung der Stromversorgung ", 6), "Größe"},
		{"long lines", "x", strings.Repeat("word ", 1000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := notifytest.Start(t, notifytest.Config{})
			config := mailConfig(server)
			config.From = "警报 <tocsin@example.org>"
			db := storetest.Open(t, storetest.SQLite(t), rooms()...)
			p := open(t, db, notify.Config{Mail: config})
			m := reminder(notify.Mail("ann@example.org"))
			m.Title, m.Text, m.HTML = test.title, test.text, "<p>在线</p>"
			id := p.post(t, m)
			p.settle(t)
			p.settle(t)
			took := server.Took()
			if len(took) != 1 {
				t.Fatal(p.states(t))
			}
			for i, b := range took[0].Data {
				if b >= 0x80 {
					t.Fatalf("byte %d is not ASCII", i)
				}
			}
			got := took[0].Parse(t)
			if subject := decoded(t, got.Header.Get("Subject")); subject != strings.TrimSpace(test.title) {
				t.Errorf("subject: got %q", subject)
			}
			from, err := got.Header.AddressList("From")
			if err != nil || from[0].Name != "警报" {
				t.Errorf("from: got %v, %v", from, err)
			}
			if ref := got.Header.Get("References"); got.Header.Get("Message-Id") != "<"+id+"@example.org>" || ref != "<about.INC-7@example.org>" || got.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("headers: got %v", got.Header)
			}
			if date, err := got.Header.Date(); err != nil || date.Sub(p.clock.now()).Abs() > time.Second {
				t.Errorf("date: got %v, %v", date, err)
			}
			kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
			if err != nil || kind != "multipart/alternative" {
				t.Fatalf("got %s, %v", kind, err)
			}
			parts := multipart.NewReader(got.Body, params["boundary"])
			for _, want := range []struct{ kind, text string }{{"text/plain", test.text}, {"text/html", m.HTML}} {
				part, err := parts.NextRawPart()
				if err != nil {
					t.Fatal(err)
				}
				kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
				text := body(t, part.Header.Get("Content-Transfer-Encoding"), part)
				if kind != want.kind || strings.TrimSpace(text) != strings.TrimSpace(want.text) {
					t.Errorf("got %s %.100q, want %s %.100q", kind, text, want.kind, want.text)
				}
			}
		})
	}
}

func TestNoteStandsBeforeTheText(t *testing.T) {
	t.Parallel()
	config := notify.MailConfig{Server: "mail.example.org", From: "tocsin@example.org"}
	m := notify.Message{ID: "x", Title: "x", Text: "text", HTML: "<p>text</p>"}
	text, err := notify.Compose(config, notify.Recipient{Mail: "ann@example.org", Note: "Nobody is on duty <now>."}, m, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Nobody is on duty <now>.\r\n\r\ntext") || !strings.Contains(string(text), "<p>Nobody is on duty &lt;now&gt;.</p>") {
		t.Errorf("got %s", text)
	}
}

func TestMailConfigurationsThatAreNone(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	for name, config := range map[string]notify.MailConfig{
		"server":        {From: "a@example.org"},
		"server, URL":   {Server: "smtp://mail.example.org", From: "a@example.org"},
		"port":          {Server: "mail.example.org:0", From: "a@example.org"},
		"from":          {Server: "mail.example.org", From: "nobody"},
		"security":      {Server: "mail.example.org", From: "a@example.org", Security: "ssl"},
		"password only": {Server: "mail.example.org", From: "a@example.org", PasswordFile: "x"},
		"user only":     {Server: "mail.example.org", From: "a@example.org", Username: "x"},
	} {
		if _, err := notify.New(db, nil, notify.Config{Mail: &config}); !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "mail.") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever a title, a name or an ID holds, a mail has the headers that it should
// have, and the server is told of one recipient.
func FuzzHeadersAreOurs(f *testing.F) {
	for _, seed := range []string{"x\r\nBcc: eve@example.org", "\u2028Bcc: e", "=?utf-8?q?=0D=0ABcc:_eve?=", "\"\\", "事件\x00", strings.Repeat("长", 300), "<a@b>, c@d"} {
		f.Add(seed, "INC-7")
		f.Add("x", seed)
	}
	config := notify.MailConfig{Server: "mail.example.org", From: "tocsin@example.org"}
	want := []string{
		"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "References", "Subject", "To",
	}
	f.Fuzz(func(t *testing.T, text, about string) {
		m := notify.Message{ID: "x", About: "a" + about, Title: text, Text: text}
		data, err := notify.Compose(config, notify.Recipient{Name: text, Mail: "ann@example.org"}, m, time.Unix(1_800_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(strings.NewReader(string(data)))
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		var names []string
		for name := range got.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("got headers %q", names)
		}
		if to, err := got.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != "ann@example.org" {
			t.Errorf("got to %v, %v", to, err)
		}
		if subject := decoded(t, got.Header.Get("Subject")); subject != notify.OneLine(text, 200) && !strings.Contains(text, "=?") {
			t.Errorf("got subject %q of %q", subject, text)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("\u202Eabc\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := notify.OneLine(text, 20)
		if len([]rune(got)) > 20 || strings.ContainsFunc(got, unicode.IsControl) || got != notify.OneLine(got, 20) {
			t.Errorf("%q: got %q", text, got)
		}
	})
}
