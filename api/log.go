package api

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"tocsin/alliance"
	"tocsin/alliance/transparency"
	"tocsin/internal/fault"
	"tocsin/people"
)

// TransparencyLog is the log of this node as a hub, and what it watches of its hubs'.
type TransparencyLog struct {
	Own     *transparency.Log
	Monitor *transparency.Monitor
}

// log is there once the node is part of an alliance.
func (a *api) transparencyLog() (*TransparencyLog, error) {
	if a.Transparency == nil {
		return nil, fmt.Errorf("this node is in no alliance yet, and keeps no log: %w", fault.NotFound)
	}
	return a.Transparency, nil
}

func (a *api) readLog(r *http.Request) (transparency.Status, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return transparency.Status{}, err
	}
	return l.Own.Status(r.Context())
}

// textPlain is the type of what notes, proofs and exports are.
const textPlain = "text/plain; charset=utf-8"

// plain answers with text.
func plain(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", textPlain)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := io.WriteString(w, text)
	return err
}

// logCheckpoint answers with the signed checkpoint of now.
func (a *api) logCheckpoint(w http.ResponseWriter, r *http.Request) error {
	l, err := a.transparencyLog()
	if err != nil {
		return err
	}
	c, err := l.Own.Checkpoint(r.Context())
	if err != nil {
		return err
	}
	return plain(w, c.Note)
}

// logPart is the query of a part of the log.
type logPart struct {
	First uint64 `query:"first" doc:"The index of the first entry, by default 0."`
	Limit int    `query:"limit" doc:"How many: 1 to 1000, by default 100."`
}

// LogRecord is an entry of the log, its exact bytes as the leaf of the tree has them.
type LogRecord struct {
	Index  int64  `json:"index"`
	Record string `json:"record"`
}

func (a *api) logEntries(r *http.Request, q *logPart) ([]LogRecord, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	first := int64(min(q.First, 1<<48))
	records, err := l.Own.Entries(r.Context(), first, int64(q.Limit))
	all := make([]LogRecord, len(records))
	for i, record := range records {
		all[i] = LogRecord{first + int64(i), record}
	}
	return all, err
}

// logProof answers with the proof that an envelope is in the log (C2SP tlog-proof).
func (a *api) logProof(w http.ResponseWriter, r *http.Request) error {
	l, err := a.transparencyLog()
	if err != nil {
		return err
	}
	envelope, err := transparency.ParseDigest(r.PathValue("envelope"))
	if err != nil {
		return err
	}
	p, err := l.Own.Prove(r.Context(), envelope)
	if err != nil {
		return err
	}
	return plain(w, p.Text())
}

// logSizes is the query of two states of the log.
type logSizes struct {
	Older uint64 `query:"older" doc:"The size of the older checkpoint."`
	Size  uint64 `query:"size" doc:"The size of the newer one."`
}

// LogConsistency is the proof that the log of a size begins with that of an older
// one (RFC 6962, section 2.1.2), as hashes in base64.
type LogConsistency struct {
	Older int64    `json:"older"`
	Size  int64    `json:"size"`
	Proof []string `json:"proof"`
}

func (a *api) logConsistency(r *http.Request, q *logSizes) (LogConsistency, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return LogConsistency{}, err
	}
	told := LogConsistency{Older: int64(min(q.Older, 1<<48)), Size: int64(min(q.Size, 1<<48)), Proof: []string{}}
	proof, err := l.Own.Consistency(r.Context(), told.Older, told.Size)
	for _, h := range proof {
		told.Proof = append(told.Proof, h.String())
	}
	return told, err
}

// logFrom is the query of an export.
type logFrom struct {
	First uint64 `query:"first" doc:"The index of the first entry, by default 0."`
}

func (a *api) exportLog(w http.ResponseWriter, r *http.Request) error {
	return a.exports(w, r, func(l *TransparencyLog, first int64, to io.Writer) error {
		return l.Own.Export(r.Context(), first, to)
	})
}

func (a *api) exportKeptLog(w http.ResponseWriter, r *http.Request) error {
	return a.exports(w, r, func(l *TransparencyLog, first int64, to io.Writer) error {
		hub, err := alliance.ParseNodeID(r.PathValue("hub"))
		if err != nil {
			return err
		}
		return l.Monitor.Export(r.Context(), hub, first, to)
	})
}

func (a *api) exports(w http.ResponseWriter, r *http.Request, do func(l *TransparencyLog, first int64, to io.Writer) error) error {
	var q logFrom
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	l, err := a.transparencyLog()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", textPlain)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	to := &begun{ResponseWriter: w}
	if err := do(l, int64(min(q.First, 1<<48)), to); err != nil {
		if !to.yes {
			return err
		}
		a.Log.ErrorContext(r.Context(), "the export of the log is broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (a *api) watchedLogs(r *http.Request) ([]transparency.Watched, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return nil, err
	}
	return l.Monitor.Watched(r.Context())
}

// newestAlarms is the query of alarms.
type newestAlarms struct {
	Limit int `query:"limit" doc:"How many, the newest first: 1 to 1000, by default 100."`
}

func (a *api) logAlarms(r *http.Request, q *newestAlarms) ([]transparency.Alarm, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	return l.Monitor.Alarms(r.Context(), q.Limit)
}

// LogReason is why a log goes on or is begun anew.
type LogReason struct {
	Reason string `json:"reason"`
}

func (a *api) resumeLog(r *http.Request, in *LogReason) (transparency.Status, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return transparency.Status{}, err
	}
	if err := l.Own.Resume(r.Context(), people.Actor(r.Context()), in.Reason); err != nil {
		return transparency.Status{}, err
	}
	return l.Own.Status(r.Context())
}

func (a *api) beginLogAnew(r *http.Request, in *LogReason) (transparency.Status, error) {
	l, err := a.transparencyLog()
	if err != nil {
		return transparency.Status{}, err
	}
	if _, err := l.Own.Anew(r.Context(), people.Actor(r.Context()), in.Reason); err != nil {
		return transparency.Status{}, err
	}
	return l.Own.Status(r.Context())
}

// recoverBytes bounds an export that is put back: a million entries are some 300 MB.
const recoverBytes = 512 << 20

// recoverLog puts back what a member exported.
func (a *api) recoverLog(w http.ResponseWriter, r *http.Request) error {
	l, err := a.transparencyLog()
	if err != nil {
		return err
	}
	if _, err := l.Own.RecoverFile(r.Context(), people.Actor(r.Context()), r.Body); err != nil {
		return err
	}
	s, err := l.Own.Status(r.Context())
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, s)
}

// heardBytes bounds a checkpoint that somebody else saw.
const heardBytes = 16 << 10

// hearLog compares a checkpoint that somebody else saw with what was seen here.
func (a *api) hearLog(w http.ResponseWriter, r *http.Request) error {
	l, err := a.transparencyLog()
	if err != nil {
		return err
	}
	hub, err := alliance.ParseNodeID(r.PathValue("hub"))
	if err != nil {
		return err
	}
	var note bytes.Buffer
	if _, err := note.ReadFrom(r.Body); err != nil {
		return err
	}
	told, err := l.Monitor.Compare(r.Context(), hub, people.Actor(r.Context()).Name, note.String())
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, told)
}
