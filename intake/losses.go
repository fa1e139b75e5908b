package intake

import (
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/telemetry"
)

// What a source lost, or was refused and may never send again, must not look
// like silence: the memory is told in which hours that was, by blocks that go the
// way of all others, so that they reach whoever remembers the source.

// losses are the hours in which a source lost something. They belong to their
// source, and are guarded by its mu.
type losses map[int64]bool // hours since 1970: whether the memory knows

// lossesKept bounds them; the earliest that are told go first.
const lossesKept = 48

func (l *losses) add(at time.Time) {
	hour := at.Unix() / int64(time.Hour/time.Second)
	if *l == nil {
		*l = losses{}
	}
	if _, known := (*l)[hour]; known {
		return
	}
	if len(*l) >= lossesKept {
		l.forget()
	}
	(*l)[hour] = false
}

// forget drops what is told.
func (l *losses) forget() {
	for hour, told := range *l {
		if told {
			delete(*l, hour)
		}
	}
}

// lost notes that something of the source is lost.
func (s *source) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses.add(s.now())
}

// untold returns the hours of which the memory does not know yet.
func (s *source) untold() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hours []int64
	for hour, told := range s.losses {
		if !told {
			hours = append(hours, hour)
		}
	}
	slices.Sort(hours)
	return hours
}

func (s *source) told(hour int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses[hour] = true
}

// newest is the time of the newest event, zero when none said one.
func (s *source) newest() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Newest
}

// waits reports whether the source is read at our own pace: what is refused of it
// is read later, and nothing of it is lost.
func (s *source) waits() bool { return s.state.Kind == "file" || s.state.Kind == "syslog" }

// losesFor returns the sources of which records may be among those that a source
// lost: itself; for a sender or a listener, all that come by it.
func (s *source) losesFor(all []*source) []*source {
	kind, name, _ := strings.Cut(s.name, "/")
	var by func(o *source) bool
	switch kind {
	case "requests":
		by = func(o *source) bool { return o.byHTTP() && strings.HasPrefix(o.name, o.state.Kind+"/"+name+"/") }
	case "listener":
		by = func(o *source) bool { return o.comesBy(name) }
	default:
		return []*source{s}
	}
	return slices.DeleteFunc(slices.Clone(all), func(o *source) bool { return !by(o) })
}

func (s *source) byHTTP() bool {
	return s.state.Kind == "bulk" || s.state.Kind == "otlp" || s.state.Kind == "events"
}

// comesBy reports whether a source may come by a listener of that name.
func (s *source) comesBy(listener string) bool {
	switch {
	case strings.HasPrefix(listener, "syslog"):
		return s.state.Kind == "syslog"
	case strings.HasPrefix(listener, "OTLP"):
		return s.state.Kind == "otlp"
	case strings.HasPrefix(listener, "HTTP"):
		return s.byHTTP()
	}
	return false // files wait for their turn
}

// tellLosses tells the memory what it does not know of losses. What there is no
// room for is told by a later call.
func (in *Intake) tellLosses(ctx context.Context) {
	all := in.sources.all()
	for _, s := range all {
		for _, hour := range s.untold() {
			at := time.Unix(hour*int64(time.Hour/time.Second), 0).UTC()
			for _, of := range s.losesFor(all) {
				if !in.tellLoss(ctx, of, at) {
					return
				}
			}
			s.told(hour)
		}
	}
}

// tellLoss tells of one hour of one source, and of the hour that its events come
// from where they are late.
func (in *Intake) tellLoss(ctx context.Context, s *source, at time.Time) bool {
	times := []time.Time{at}
	if newest := s.newest(); !newest.IsZero() && !newest.Truncate(time.Hour).Equal(at) {
		times = append(times, newest)
	}
	for _, at := range times {
		if _, err := in.accept(ctx, telemetry.NewLoss(s.name, at), nil); err != nil {
			return false
		}
	}
	return true
}
