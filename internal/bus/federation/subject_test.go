package federation

import (
	"strings"
	"testing"
)

// Whatever a subject and a reply are, the member that speaks is one token of
// letters, and what is answered lies below its own inbox and nobody else's.
func FuzzSpeaker(f *testing.F) {
	f.Add("up.abc", "_INBOX_abc.x")
	f.Add("up.a.b", "_INBOX_a.b.x")
	f.Add("up.*", "_INBOX_*.>")
	f.Add("up.abc", "_INBOX_abcd.x")
	f.Add("up.", "_INBOX_.")
	f.Fuzz(func(t *testing.T, subject, reply string) {
		member, ok := speaker(subject, upPrefix)
		if !ok {
			return
		}
		if upPrefix+member != subject || strings.ContainsAny(member, ".*> \t\r\n") || member == "" {
			t.Fatalf("%q speaks for %q", subject, member)
		}
		if !isInbox(reply, member) {
			return
		}
		token, rest, _ := strings.Cut(reply, ".")
		if token != "_INBOX_"+member || rest == "" || strings.ContainsAny(rest, "*> \r\n") {
			t.Errorf("%q is taken for an inbox of %q", reply, member)
		}
	})
}

func FuzzPosition(f *testing.F) {
	f.Add("5.7", int64(5))
	f.Add("5.", int64(5))
	f.Add("5.99999999999999999999", int64(5))
	f.Add("5.-1", int64(5))
	f.Add("", int64(0))
	f.Fuzz(func(t *testing.T, text string, epoch int64) {
		if n := after(text, epoch); n > 0 && after(positionText(epoch, n), epoch) != n {
			t.Errorf("%q is after %d", text, n)
		}
		if n := after(text, epoch); n > 1<<63-1 {
			t.Errorf("%q is after %d", text, n)
		}
		if after(positionText(epoch, 7), epoch) != 7 || after(positionText(epoch, 7), epoch+1) != 0 {
			t.Error("a position does not mean what it meant")
		}
	})
}

func FuzzBatchAck(f *testing.F) {
	f.Add([]byte(`{"stream":"DOWN","seq":7,"batch":"x","count":3}`), 3)
	f.Add([]byte(`{"error":{"code":400,"description":"x"}}`), 3)
	f.Fuzz(func(t *testing.T, data []byte, count int) {
		if last, err := batchAck(data, count); err == nil && count > 0 && last < uint64(count) {
			t.Errorf("%q ends at %d", data, last)
		}
	})
}
