package archive_test

import (
	"testing"

	"tocsin/memory/archive"
)

// FuzzShape reads any list of fields: what can be read is, once written, read
// and written the same.
func FuzzShape(f *testing.F) {
	for _, text := range []string{"", `\`, "Channel,EventID#", `a\x2cb?,x!~,\`, `\x`, ",,", "ts#~"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := archive.RewriteShape(text)
		if err != nil {
			return
		}
		twice, err := archive.RewriteShape(once)
		if err != nil || twice != once {
			t.Errorf("%q is written as %q and then as %q, %v", text, once, twice, err)
		}
	})
}
