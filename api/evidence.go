package api

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"

	"tocsin/incident"
	"tocsin/internal/fault"
)

// evidenceBytes bounds a file: a disk image's memory dump.
const evidenceBytes = 64 << 30

func (a *api) listEvidence(r *http.Request) ([]incident.Evidence, error) {
	return listOf(a, r, func(id string) ([]incident.Evidence, error) { return a.Incidents.AllEvidence(r.Context(), id) })
}

// newEvidence is the query that goes with a file.
type newEvidence struct {
	Name string `query:"name" doc:"What the file is called; by default what Content-Disposition says."`
	Note string `query:"note" doc:"What it is, and where it comes from."`
	Why  string `query:"why" doc:"Kept in the chain of custody."`
}

// addEvidence keeps the body, whatever it is, as a file of the incident.
func (a *api) addEvidence(w http.ResponseWriter, r *http.Request) error {
	var q newEvidence
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	c, err := adds(r, q.Why)
	if err != nil {
		return err
	}
	name, err := q.name(r)
	if err != nil {
		return err
	}
	e, err := a.Incidents.AddEvidence(r.Context(), c, name, q.Note, r.Body)
	if err != nil {
		return err
	}
	return write(w, r, http.StatusCreated, e)
}

func (q *newEvidence) name(r *http.Request) (string, error) {
	disposition := r.Header.Get("Content-Disposition")
	if q.Name != "" || disposition == "" {
		return q.Name, nil
	}
	_, values, err := mime.ParseMediaType(disposition)
	if err != nil {
		return "", &HeaderError{"Content-Disposition", disposition, `write attachment; filename="NAME"`}
	}
	return values["filename"], nil
}

// reading is the query that goes with taking a copy of evidence.
type reading struct {
	Why string `query:"why" doc:"Why a copy is taken; kept in the chain of custody."`
}

// readEvidence gives the file to be saved. Whatever it is, a browser must not
// run or show it in the node's name.
func (a *api) readEvidence(w http.ResponseWriter, r *http.Request) (err error) {
	var q reading
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	c, err := adds(r, q.Why)
	if err != nil {
		return err
	}
	e, file, err := a.Incidents.OpenEvidence(r.Context(), c, r.PathValue("evidence"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum, err := hex.DecodeString(string(e.SHA256))
	if err != nil {
		return fmt.Errorf("evidence %s: %w", e.ID, err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.Name}))
	h.Set("Content-Length", strconv.FormatInt(e.Bytes, 10))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530 section 3
	if _, err := io.Copy(w, file); err != nil {
		a.Log.WarnContext(r.Context(), "a copy of evidence is broken off", slog.String("evidence", e.ID), slog.Any("error", err))
		panic(http.ErrAbortHandler) // whoever reads it must not take it for the whole
	}
	return nil
}

func (a *api) readChain(r *http.Request) ([]incident.Custody, error) {
	links, err := a.Incidents.Chain(r.Context(), r.PathValue("id"), r.PathValue("evidence"))
	return listed(links), err
}

// Handover says that evidence was handed to somebody outside, or came back.
type Handover struct {
	Action incident.CustodyAction `json:"action"` // handed_over or returned
	Person string                 `json:"person"`
	Why    string                 `json:"why,omitempty"`
}

func (a *api) handEvidence(r *http.Request, in *Handover) (incident.Evidence, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Evidence{}, err
	}
	return a.Incidents.Handle(r.Context(), c, r.PathValue("evidence"), incident.Custody{Action: in.Action, Person: in.Person})
}

// Reason is why something is done.
type Reason struct {
	Why string `json:"why,omitempty"`
}

func (a *api) verifyEvidence(r *http.Request, in *Reason) (incident.Evidence, error) {
	c, err := adds(r, in.Why)
	if err != nil {
		return incident.Evidence{}, err
	}
	e, err := a.Incidents.Verify(r.Context(), c, r.PathValue("evidence"))
	if err != nil && !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Unavailable) {
		err = fmt.Errorf("%w: %w", err, fault.Conflict) // it is not what it was: the caller must know how
	}
	return e, err
}
