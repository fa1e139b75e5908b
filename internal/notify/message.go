package notify

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/internal/fault"
)

// Message is what is to be told.
type Message struct {
	// ID is the message's own: posting it again posts nothing. Empty, one is made.
	// Letters, digits, "_", "." and "-", 64 at most.
	ID string
	// Event is its kind, as clock.reminder: what webhooks choose by.
	Event string
	// About is what it belongs to, such as an incident's ID: mails about the same
	// are one conversation. May be empty.
	About string
	// Title is the subject of a mail, in one line: what is longer than 200
	// characters is cut, and control characters become spaces.
	Title string
	// Text is the message in plain text; what is longer than 256 KiB is cut.
	Text string
	// HTML is the same for mail programs that show it; optional. Whoever makes it
	// escapes what others wrote; it is not looked at here.
	HTML string
	// Data is what webhooks get besides title and text; JSON, optional.
	Data json.RawMessage
	// To is whom it is mailed to. Each recipient gets it once, by however many
	// addresses.
	To []Address
}

// The limits of a message.
const (
	maxID      = 64
	maxEvent   = 64
	maxTitle   = 200 // characters: more than any list of mails shows
	maxText    = 256 << 10
	maxHTML    = 1 << 20
	maxAddress = 300
	maxTo      = 100
)

// MaxData is how long Message.Data may be: receivers of webhooks often take no
// more.
const MaxData = 64 << 10

var (
	idPattern    = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	eventPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$`)
)

// cut stands where a text was.
const cut = "\n[…]"

// clean returns the message as it is kept. The error is fault.Invalid, for what
// only a program can have got wrong: texts that people wrote are made to fit.
func (m Message) clean() (Message, error) {
	switch {
	case !idPattern.MatchString(m.ID):
		return m, fmt.Errorf("message: ID %.80q: use letters, digits, _ . and -, %d at most: %w", m.ID, maxID, fault.Invalid)
	case !isEvent(m.Event):
		return m, fmt.Errorf("message: event %.80q: use a-z, 0-9, _ . and -, as clock.reminder: %w", m.Event, fault.Invalid)
	case len(m.Data) > MaxData || len(m.Data) > 0 && !json.Valid(m.Data):
		return m, fmt.Errorf("message %s: its data are no JSON of up to %d bytes: %w", m.ID, MaxData, fault.Invalid)
	case len(m.HTML) > maxHTML:
		return m, fmt.Errorf("message %s: its HTML is longer than %d bytes: %w", m.ID, maxHTML, fault.Invalid)
	case len(m.To) > maxTo:
		return m, fmt.Errorf("message %s: more than %d addresses: %w", m.ID, maxTo, fault.Invalid)
	}
	for _, to := range m.To {
		if err := to.check(); err != nil {
			return m, fmt.Errorf("message %s: %w", m.ID, err)
		}
	}
	m.Title, m.About = oneLine(m.Title, maxTitle), oneLine(m.About, maxTitle)
	m.Text, m.HTML = keepable(m.Text), keepable(m.HTML)
	if len(m.Text) > maxText {
		m.Text = strings.ToValidUTF8(m.Text[:maxText], "") + cut // a character may have been cut
	}
	return m, nil
}

func isEvent(text string) bool {
	return len(text) <= maxEvent && eventPattern.MatchString(text)
}

// oneLine makes a text one line of so many characters at most: what ends a line
// would begin another header.
func oneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}

// keepable makes a text one that a database keeps.
func keepable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Address is whom a message is for, as text: "mail:ann@example.org", or a kind
// and a value that Config.Resolve understands, as "role:commander", "duty",
// "account:ann".
type Address string

// To makes the address of a kind: To("role", "commander"), To("duty", "").
func To(kind, value string) Address {
	if value == "" {
		return Address(kind)
	}
	return Address(kind + ":" + value)
}

// mailKind is the kind that is resolved here.
const mailKind = "mail"

// Mail makes the address of a mailbox: ann@example.org.
func Mail(box string) Address { return To(mailKind, box) }

// Parts returns the kind of an address and its value.
func (a Address) Parts() (kind, value string) {
	kind, value, _ = strings.Cut(string(a), ":")
	return kind, value
}

func (a Address) check() error {
	kind, value := a.Parts()
	if kind == "" || len(a) > maxAddress || !utf8.ValidString(string(a)) || strings.ContainsFunc(string(a), unicode.IsControl) {
		return fmt.Errorf("address %.80q is none: %w", string(a), fault.Invalid)
	}
	if kind == mailKind {
		_, err := parseMailbox(value)
		return err
	}
	return nil
}

// parseMailbox reads one mail address, without a name.
func parseMailbox(text string) (string, error) {
	at, err := mail.ParseAddress(text)
	if err != nil || at.Address != text || strings.ContainsFunc(text, unicode.IsControl) {
		return "", fmt.Errorf("%.300q is no mail address, as ann@example.org: %w", text, fault.Invalid)
	}
	return at.Address, nil
}

// Recipient is who gets a message that an address leads to.
type Recipient struct {
	Name string // what the person is called; may be empty
	Mail string // the mail address
	// Note is what the person should know about why: that nobody is on duty. It is
	// put before the text.
	Note string
}
