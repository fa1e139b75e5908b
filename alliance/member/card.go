package member

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// Limits of a card. A large university has a hundred networks; a telephone company
// more, which it can sum up.
const (
	maxNames    = 30
	maxText     = 200
	maxCodes    = 100
	maxContacts = 50
	maxHoldings = 1000
)

var (
	sectorForm   = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)
	regionForm   = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`) // ISO 3166-1 and 3166-2
	languageForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
)

// checkCard says what of a card will not do: what is too long or too many, text that
// could steer a terminal, codes of another form. The error is fault.Invalid.
func checkCard(c *alliance.Card) error {
	var wrong []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	want(len(c.Names) > 0 && len(c.Names) <= maxNames, "names: 1 to %d", maxNames)
	for language, name := range c.Names {
		want(languageForm.MatchString(language) && len(language) <= maxText, "names: %.20q is no language (BCP 47)", language)
		want(name != "" && plain(name), "names: %.40q: 1 to %d bytes without control characters", name, maxText)
	}
	want(slices.Contains(alliance.Kinds(), c.Kind), "kind: %.20q", c.Kind)
	want(len(c.Sectors) <= maxCodes && len(c.Regions) <= maxCodes, "more than %d sectors or regions", maxCodes)
	for _, s := range c.Sectors {
		want(sectorForm.MatchString(s) && len(s) <= maxText, "sectors: %.40q", s)
	}
	for _, r := range c.Regions {
		want(regionForm.MatchString(r), "regions: %.20q: ISO 3166, as CN or CN-31", r)
	}
	want(plain(c.TimeZone), "time zone: %.40q", c.TimeZone)
	if c.TimeZone != "" {
		_, err := time.LoadLocation(c.TimeZone)
		want(err == nil, "time zone: %.40q", c.TimeZone)
	}
	want(len(c.Contacts) <= maxContacts, "more than %d contacts", maxContacts)
	for _, k := range c.Contacts {
		want(plain(k.Role) && plain(k.Name) && plain(k.Mail) && plain(k.Phone), "contacts: %.40q: up to %d bytes each without control characters", k.Name, maxText)
		want(k.Mail == "" || strings.Count(k.Mail, "@") == 1 && !strings.ContainsAny(k.Mail, " <>,;\""), "contacts: %.60q is no mail address", k.Mail)
	}
	want(len(c.Networks)+len(c.ASNs)+len(c.Domains) <= maxHoldings, "more than %d networks, AS numbers and domains", maxHoldings)
	for _, p := range c.Networks {
		want(p.IsValid() && p.Bits() > 0, "networks: %s", p)
	}
	for _, d := range c.Domains {
		o, err := observable.Parse(intel.Domain, d)
		want(err == nil && observable.Registered(o.Value) != "", "domains: %.60q is none that somebody can hold", d)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("card: %w: %w", errors.Join(wrong...), fault.Invalid)
	}
	return nil
}

// plain reports whether a text is short, UTF-8, and nothing that steers a terminal
// or turns the direction of what is beside it.
func plain(text string) bool {
	return len(text) <= maxText && utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool {
		switch c {
		case '\u200c', '\u200d': // which Persian and Hindi are written with
			return false
		case '\u2028', '\u2029':
			return true
		}
		return unicode.IsControl(c) || unicode.Is(unicode.Cf, c)
	})
}
