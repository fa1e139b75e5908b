package member_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/fault"
)

// FuzzParseToken: whatever is pasted, it is refused without being repeated, or is a
// token that reads back the same.
func FuzzParseToken(f *testing.F) {
	whole, err := member.NewToken("https://hub.example:8617", node(1), make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Text())
	f.Add(" " + strings.ToUpper(whole.Text()[:30]) + "\r\n\t" + whole.Text()[30:])
	f.Add(member.TokenPrefix)
	f.Fuzz(func(t *testing.T, text string) {
		read, err := member.ParseToken(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		again, err := member.ParseToken(read.Text())
		if err != nil || again.Text() != read.Text() || !read.Hub.Valid() {
			t.Errorf("%v does not read back", err)
		}
	})
}

// TestOneChangedCharacterIsNoticed: every character of a token counts.
func TestOneChangedCharacterIsNoticed(t *testing.T) {
	t.Parallel()
	whole, err := member.NewToken("http://127.0.0.1:8617", node(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := whole.Text()
	for k := len(member.TokenPrefix); k < len(text); k++ {
		other := byte('a')
		if text[k] == other {
			other = 'b'
		}
		if _, err := member.ParseToken(text[:k] + string(other) + text[k+1:]); err == nil {
			t.Errorf("character %d was changed and nobody noticed", k)
		}
		if _, err := member.ParseToken(text[:k]); err == nil {
			t.Errorf("the token was cut at %d and nobody noticed", k)
		}
	}
	if _, err := member.NewToken("http://hub.example", node(1), nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("a hub elsewhere without encryption: %v", err)
	}
}

// TestHostileCardIsRefused: what could steer a terminal, claim a public suffix or
// fill the disk.
func TestHostileCardIsRefused(t *testing.T) {
	t.Parallel()
	good := func() alliance.Card {
		return alliance.Card{Names: map[string]string{"en": "Works"}, Kind: alliance.Enterprise}
	}
	fine := good()
	if err := member.CheckCard(&fine); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*alliance.Card){
		"escape":        func(c *alliance.Card) { c.Names["en"] = "\x1b[2JWorks" },
		"bidi":          func(c *alliance.Card) { c.Names["en"] = "Works\u202eskroW" },
		"not UTF-8":     func(c *alliance.Card) { c.Names["en"] = "\xff" },
		"long":          func(c *alliance.Card) { c.Names["en"] = strings.Repeat("x", 10_000) },
		"no name":       func(c *alliance.Card) { c.Names = nil },
		"kind":          func(c *alliance.Card) { c.Kind = "king" },
		"sector":        func(c *alliance.Card) { c.Sectors = []string{"health\n"} },
		"region":        func(c *alliance.Card) { c.Regions = []string{"Narnia"} },
		"many contacts": func(c *alliance.Card) { c.Contacts = make([]alliance.Contact, 1000) },
		"mail header":   func(c *alliance.Card) { c.Contacts = []alliance.Contact{{Mail: "a@b\r\nBcc: c@d"}} },
		"public suffix": func(c *alliance.Card) { c.Domains = []string{"co.uk"} },
	} {
		c := good()
		spoil(&c)
		if err := member.CheckCard(&c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
