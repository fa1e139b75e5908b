package intel_test

import (
	"testing"
	"time"

	"tocsin/intel"
)

func TestConfidenceDecays(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	decaying := intel.Origin{Confidence: 80, HalfLife: 30 * day, From: start}
	for _, c := range []struct {
		origin intel.Origin
		at     time.Time
		want   int
	}{
		{decaying, start, 80},
		{decaying, start.Add(30 * day), 40},
		{decaying, start.Add(60 * day), 20},
		{decaying, start.Add(-day), 80},
		{decaying, time.Time{}, 80},
		{intel.Origin{Confidence: 80, HalfLife: day}, start, 80}, // no beginning
		{intel.Origin{Confidence: 80, From: start}, start.Add(1000 * day), 80},
		{intel.Origin{}, start, 50},
	} {
		if got := c.origin.ConfidenceAt(c.at); got != c.want {
			t.Errorf("%+v at %s: %d, want %d", c.origin, c.at, got, c.want)
		}
	}
}

func TestLevelFollowsConfidenceAndAction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		confidence uint8
		action     intel.Action
		want       intel.Severity
	}{
		{100, intel.Detect, intel.High},
		{75, intel.Detect, intel.High},
		{74, intel.Detect, intel.Medium},
		{40, intel.Detect, intel.Medium},
		{39, intel.Detect, intel.Low},
		{0, intel.Detect, intel.Medium},
		{100, intel.Block, intel.Critical},
		{39, intel.Block, intel.Medium},
		{100, intel.DoNotBlock, intel.Informational},
	} {
		o := intel.Origin{Confidence: c.confidence, Action: c.action}
		if got := o.LevelAt(time.Time{}); got != c.want {
			t.Errorf("%d, %s: %s, want %s", c.confidence, c.action, got, c.want)
		}
	}
}

func TestMarkingsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]intel.Marking{
		"TLP:RED": intel.TLPRed, "tlp:amber+strict": intel.TLPAmberStrict, "Amber": intel.TLPAmber, "green": intel.TLPGreen, "TLP:WHITE": intel.TLPClear, "TLP:CLEAR": intel.TLPClear, "": intel.Unmarked,
	} {
		got, err := intel.ParseMarking(text)
		if err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
		var back intel.Marking
		if err := back.UnmarshalText([]byte(got.String())); err != nil || back != got {
			t.Errorf("%s is read back as %s: %v", got, back, err)
		}
	}
	for _, text := range []string{"TLP:PINK", "red alert"} {
		if _, err := intel.ParseMarking(text); err == nil {
			t.Errorf("%q is a marking", text)
		}
	}
	if intel.TLPRed < intel.TLPAmberStrict || intel.TLPAmberStrict < intel.TLPAmber || intel.TLPAmber < intel.TLPGreen || intel.TLPGreen < intel.TLPClear {
		t.Error("the stricter marking is not the greater")
	}
}

func TestActionsKeepTheirNames(t *testing.T) {
	t.Parallel()
	for _, action := range []intel.Action{intel.Detect, intel.Block, intel.DoNotBlock} {
		var back intel.Action
		if err := back.UnmarshalText([]byte(action.String())); err != nil || back != action {
			t.Errorf("%s is read back as %s: %v", action, back, err)
		}
	}
	if new(intel.Action).UnmarshalText([]byte("shoot")) == nil {
		t.Error("shoot is an action")
	}
}
