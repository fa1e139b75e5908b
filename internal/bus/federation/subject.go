package federation

import (
	"fmt"
	"strings"

	"tocsin/internal/fault"
)

// Subjects, each followed by the member's name but for those all read.
const (
	downPrefix  = "down." // stored for the member; only the hub may use it
	nextPrefix  = "next." // a member asks for what comes next
	upPrefix    = "up."   // a member hands something to the hub
	getPrefix   = "get."  // a member asks the hub
	inboxPrefix = "_INBOX_"

	liveAll   = "live.all" // what every member reads
	liveAsk   = "live.ask" // the hub has begun: whoever waits asks again
	liveEvery = "live.>"
)

// Names and ids become part of subjects and headers.
const (
	maxName = 64
	maxID   = 128
)

// CheckName says whether a member can have this name: up to 64 letters a to z,
// digits, '-' and '_', which make one token of a subject. The error is
// fault.Invalid.
func CheckName(member string) error {
	if member == "" || len(member) > maxName {
		return fmt.Errorf("federation: a member's name has 1 to %d characters, not %d: %w", maxName, len(member), fault.Invalid)
	}
	for _, c := range []byte(member) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return fmt.Errorf("federation: member %q: a name has only a to z, digits, '-' and '_': %w", member, fault.Invalid)
		}
	}
	return nil
}

// checkID says whether a message can have this id: it travels in a header.
func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("federation: an id has 1 to %d characters, not %d: %w", maxID, len(id), fault.Invalid)
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c >= 0x7f {
			return fmt.Errorf("federation: id %q: only visible ASCII: %w", id, fault.Invalid)
		}
	}
	return nil
}

// checkBody says whether a message can carry this.
func checkBody(data []byte) error {
	if len(data) > MaxBody {
		return fmt.Errorf("federation: %d bytes are more than a message carries (%d): send it in chunks: %w", len(data), MaxBody, fault.Invalid)
	}
	return nil
}

// speaker returns the member that a subject belongs to. Only the server's
// permissions make it true.
func speaker(subject, prefix string) (member string, ok bool) {
	member, ok = strings.CutPrefix(subject, prefix)
	return member, ok && CheckName(member) == nil
}

// inbox returns what a member's replies begin with.
func inbox(member string) string { return inboxPrefix + member }

// isInbox says whether a reply subject is one of the member's own. A hub that
// answered to any subject would publish for a member what it may not publish
// itself.
func isInbox(reply, member string) bool {
	rest, ok := strings.CutPrefix(reply, inbox(member)+".")
	return ok && rest != "" && !strings.ContainsAny(rest, " \t\r\n*>")
}
