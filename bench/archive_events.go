package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry"
)

// needle is the text that the archive's rules look for.
const needle = "tocsin-needle-7f3a"

const (
	// perHour events share an hour; every needleHours-th hour holds the needle.
	// An hour makes some five segments, half of which have command lines.
	perHour     = 100_000
	needleHours = 10
	hosts       = 500
)

// generate archives b.events events: the attack samples and Zeek's logs in
// turn, over and over, each time at another time, on another host and with
// other digits at the end of every value that has at least four.
func (w *archiveWorld) generate(ctx context.Context, b *bench) error {
	var sets [2][]*telemetry.Event
	for i, set := range [...]string{"evtx-attack-samples", "zeek-samples"} {
		dir, err := testdata.Unpack(filepath.Join(b.data, "detect", set+".tar.zst"))
		if err != nil {
			return err
		}
		if set == "zeek-samples" {
			dir = filepath.Join(dir, "zeek-json")
		}
		err = w.read(ctx, dir, func(e *telemetry.Event) error {
			sets[i] = append(sets[i], cloneEvent(e))
			return nil
		})
		if err != nil {
			return err
		}
	}
	commandLine := w.names.Intern("CommandLine")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return w.fill(func(visit func(*telemetry.Event) error) error {
		v := variation{names: w.names}
		for i := range b.archived {
			e := sets[i%2][i/2%len(sets[i%2])]
			hour := i / perHour
			v.vary(e, uint64(i))
			v.Time = start.Add(time.Duration(i) * time.Hour / perHour)
			v.Host = fmt.Appendf(v.Host[:0], "host-%03d", v.next()%hosts)
			if hour%needleHours == 0 && i%100 == 0 {
				v.append(commandLine, " "+needle)
			}
			if err := visit(&v.Event); err != nil {
				return err
			}
			if i%(64<<10) == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
}

func cloneEvent(e *telemetry.Event) *telemetry.Event {
	c := *e
	c.Record = intel.Record{}
	for _, f := range e.Fields {
		c.Add(f.Name, f.Kind, bytes.Clone(f.Value))
	}
	c.Host = bytes.Clone(e.Host)
	return &c
}

// variation is an event that differs from its sample.
type variation struct {
	telemetry.Event
	names *intel.Names
	text  []byte
	state uint64
}

// next is a step of splitmix64 (Steele et al., 2014).
func (v *variation) next() uint64 {
	v.state += 0x9E3779B97F4A7C15
	z := v.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (v *variation) vary(e *telemetry.Event, n uint64) {
	v.state = n
	fields, host := v.Fields[:0], v.Host
	v.Event = *e
	v.Fields, v.Host, v.text = fields, host, v.text[:0]
	for _, f := range e.Fields {
		if digits(f.Value) >= 4 && e.Class.Constants[v.names.Text(f.Name)] == "" {
			at := len(v.text)
			v.text = append(v.text, f.Value...)
			f.Value = v.text[at:len(v.text):len(v.text)]
			v.turn(f.Value)
		}
		v.Fields = append(v.Fields, f)
	}
}

func digits(value []byte) (n int) {
	for _, c := range value {
		if '0' <= c && c <= '9' {
			n++
		}
	}
	return n
}

// turn changes the last digits of a value, but for one that stands in front.
func (v *variation) turn(value []byte) {
	random := v.next()
	for i, left := len(value)-1, 4; i > 0 && left > 0; i-- {
		if c := value[i]; '0' <= c && c <= '9' {
			value[i] = '0' + byte((uint64(c-'0')+random)%10)
			random /= 10
			left--
		}
	}
}

// append adds text to a field's value, where the event has the field.
func (v *variation) append(name intel.Name, text string) {
	for i := range v.Fields {
		if f := &v.Fields[i]; f.Name == name {
			f.Value = append(bytes.Clone(f.Value), text...)
			return
		}
	}
}
