package memory_test

import (
	"encoding/json"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory"
)

// Workers are asked over the wire: what narrows a question down must survive it,
// and decide there as here who can be asked.
func TestQuestionIsTheSameBehindTheWire(t *testing.T) {
	t.Parallel()
	domain := intel.Observable{Kind: intel.Domain, Value: "evil.example"}
	for _, test := range []struct {
		question  memory.Question
		byArchive bool
	}{
		{memory.Question{Text: "q", Observable: domain}, false},
		{memory.Question{Text: "q", Observable: domain, Match: intel.MatchExactly}, false},
		{memory.Question{Text: "q", Observable: domain, Until: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}, false},
		{memory.Question{Text: "q", Observable: intel.Observable{Kind: intel.Domain, Value: "il.exa"}, Match: intel.MatchSubstring}, true},
		{memory.Question{Text: "q", Observable: intel.Observable{Kind: intel.IPAddress, Value: "203.0.113.7"}, Port: 445}, true},
		{memory.Question{Text: "q", Observable: intel.Observable{Kind: intel.FilePath, Value: `\windows\mssecsvc.exe`}}, true},
		{memory.Question{Text: "q", Observable: intel.Observable{Kind: intel.FilePath, Value: `c:\windows\mssecsvc.exe`}}, false},
		{memory.Question{Text: "q", Rule: "title: x"}, true},
	} {
		text, err := json.Marshal(test.question)
		if err != nil {
			t.Fatal(err)
		}
		var back memory.Question
		if err := json.Unmarshal(text, &back); err != nil || back != test.question {
			t.Errorf("%s: %+v, %v", text, back, err)
		}
		if back.ByArchive() != test.byArchive {
			t.Errorf("%s: by the archive %v", text, back.ByArchive())
		}
	}
}
