package intake

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// Seen tells what the pipeline made of records of a source: how many events,
// the time of the newest (zero when none says), and what could not be read.
func (in *Intake) Seen(source string, events uint64, newest time.Time, problems []telemetry.Problem) {
	if s := in.sources.find(source); s != nil {
		s.decoded(in.now(), events, newest, problems)
	}
}

// SeenElsewhere is Seen at a worker for records that another node took in: here
// they arrived when they were worked on. Sources are registered by it.
func (in *Intake) SeenElsewhere(source *telemetry.Source, events, size uint64, newest time.Time, problems []telemetry.Problem) {
	s := in.sources.elsewhere(source.Name)
	if s == nil {
		return
	}
	records := events
	for _, p := range problems {
		records += p.Count
	}
	now := in.now()
	s.arrived(now, string(source.Format), int(records), int(size))
	s.decoded(now, events, newest, problems)
}

// SetAside keeps a record that could not be decoded, as telemetry.Decoder hands
// it to its Malformed, with the reason. It does not count it: Seen does.
func (in *Intake) SetAside(reason string, record *telemetry.Block) {
	if s := in.sources.find(record.Source.Name); s != nil {
		s.sample(in.now(), reason, record.Data)
	}
	in.aside.Add(reason, record)
}

// malformed sets a record aside that does not get as far as the pipeline.
func (in *Intake) malformed(s *source, format telemetry.Format, reason string, raw []byte) {
	s.decoded(in.now(), 0, time.Time{}, []telemetry.Problem{{Reason: reason, Count: 1}})
	s.lost()
	in.SetAside(reason, telemetry.NewLines(&telemetry.Source{Name: s.name, Format: format}, raw))
}

// Sources returns the health of every source, by name.
func (in *Intake) Sources() []Health { return in.sources.health() }

// serveSources answers GET /api/v1/sources.
func (in *Intake) serveSources(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Registry{Sources: in.Sources()})
}

// AsideAnswer tells what was set aside.
type AsideAnswer struct {
	Count   int           `json:"count"`
	Lost    uint64        `json:"lost"` // there was no room for
	Records []AsideRecord `json:"records"`
}

// asideShown is how many records are told where the query names no limit.
const asideShown = 100

// serveAside answers GET /api/v1/aside?limit=N&source=NAME.
func (in *Intake) serveAside(w http.ResponseWriter, r *http.Request) error {
	limit := asideShown
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 {
			return &httpError{http.StatusBadRequest, "illegal_argument_exception", "limit is no number"}
		}
	}
	answer := AsideAnswer{Lost: in.aside.Lost()}
	var err error
	if answer.Count, answer.Records, err = in.aside.List(r.URL.Query().Get("source"), limit); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// replayAside answers POST /api/v1/aside/replay?source=NAME.
func (in *Intake) replayAside(w http.ResponseWriter, r *http.Request) error {
	told, err := in.aside.Replay(r.Context(), Replay{Accept: in.accept, Reads: in.config.Reads, Source: r.URL.Query().Get("source")})
	if errors.Is(err, fault.Unavailable) {
		return &RefusedError{reasonFull, retryAfter}
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, told)
	return nil
}

// sampleLimit bounds the text of a sample.
const sampleLimit = 256

// escaped returns the beginning of what a sender wrote as printable ASCII, so
// that it harms no terminal and no page.
func escaped(raw []byte) string {
	var b strings.Builder
	for len(raw) > 0 && b.Len() < sampleLimit {
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == utf8.RuneError && size <= 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(raw[0])|0x100, 16)[1:])
		case r < ' ' || r >= 0x7f || r == '\\':
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		raw = raw[size:]
	}
	if len(raw) > 0 {
		b.WriteString("...")
	}
	return b.String()
}
