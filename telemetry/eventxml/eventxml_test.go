package eventxml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/eventxml"
)

const sample = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Linux-Sysmon" Guid="{ff032593}"/><EventID>1</EventID>` +
	`<TimeCreated SystemTime="2026-01-02T03:04:05.6Z"/><Computer>web</Computer><Security UserId="0"/></System>` +
	`<EventData><Data Name="CommandLine">sh -c &quot;id &amp; ls&quot;</Data><Data Name="Empty"></Data><Data>loose</Data></EventData></Event>`

func TestDecode(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	var rec intel.Record
	if err := eventxml.NewDecoder(names).Decode([]byte(sample), &rec); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range rec.Fields {
		got = append(got, fmt.Sprintf("%s=%s", names.Text(f.Name), f.Value))
	}
	want := []string{
		"Event.System.Provider.#attributes.Name=Linux-Sysmon", "Event.System.Provider.#attributes.Guid={ff032593}", "Event.System.EventID=1",
		"Event.System.TimeCreated.#attributes.SystemTime=2026-01-02T03:04:05.6Z", "Event.System.Computer=web", "Event.System.Security.#attributes.UserId=0",
		`Event.EventData.CommandLine=sh -c "id & ls"`, "Event.EventData.Empty=", "Event.EventData.Data=loose",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                                eventxml.ErrMalformed,
		"<Event><System>":                 eventxml.ErrMalformed,
		"<Event></System>":                eventxml.ErrMalformed,
		"<html></html>":                   eventxml.ErrNotEvent,
		strings.Repeat("<Event>", 1000):   eventxml.ErrTooMuch,
		"<Event><a>&unknown;</a></Event>": eventxml.ErrMalformed,
	} {
		var rec intel.Record
		if err := eventxml.NewDecoder(intel.NewNames(nil)).Decode([]byte(text), &rec); !errors.Is(err, want) {
			t.Errorf("%.30q: got %v, want %v", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`<Event><UserData><x y="z"><a/></x></UserData></Event>`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var rec intel.Record
		_ = eventxml.NewDecoder(intel.NewNames(nil)).Decode(text, &rec)
		eventxml.Looks(text)
	})
}
