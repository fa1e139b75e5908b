package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"tocsin/intake/bulk"
	"tocsin/people"
	"tocsin/telemetry"
)

// eventsAnswer is the answer to a request of JSON lines.
type eventsAnswer struct {
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
	// Reason says of the first refused record why it was.
	Reason string `json:"reason,omitempty"`
	Record int    `json:"record,omitempty"` // its number, from 1
}

// takeEvents takes JSON objects, one on a line or in an array. The query's
// source names them. Records that are no objects are refused one by one and set
// aside; the others are kept, all of them or none.
func (in *Intake) takeEvents(w http.ResponseWriter, r *http.Request) error {
	content, err := in.body(w, r)
	if err != nil {
		return err
	}
	defer content.close()
	kept := in.newReceipt()
	defer kept.close()
	sender := people.From(r.Context())
	name := label(r.URL.Query().Get("source"))
	if name == "" {
		name = "json"
	}
	s := in.sources.source("events", sender.Name+"/"+name)
	data, answer, err := in.objects(s, content.data)
	if err != nil {
		in.senderSource(r).refuse(reasonMalformed, 1)
		return err
	}
	if answer.Accepted > 0 {
		if err := in.take(r.Context(), kept, sender, s, data, answer.Accepted); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if answer.Accepted == 0 && answer.Refused > 0 {
		status = http.StatusBadRequest
	}
	return kept.answer(w, r, status, answer)
}

// take hands on n records of one sender.
func (in *Intake) take(ctx context.Context, kept *receipt, sender people.Identity, s *source, data []byte, n int) error {
	if wait, ok := in.senders.of(sender.ID).take(in.now(), n); !ok {
		s.refuse(reasonTokenRate, n)
		return &RefusedError{reasonTokenRate, wait}
	}
	return in.submit(ctx, kept, s, data, n)
}

// objects returns the objects of a body, one on a line.
func (in *Intake) objects(s *source, content []byte) ([]byte, eventsAnswer, error) {
	var answer eventsAnswer
	var data []byte
	add := func(record []byte) {
		if len(record) <= telemetry.MaxRecord && bulk.IsObject(record) {
			data = append(append(data, record...), '\n')
			answer.Accepted++
			return
		}
		if answer.Refused++; answer.Refused == 1 {
			answer.Reason, answer.Record = reasonNoObject, answer.Accepted+answer.Refused
		}
		in.malformed(s, telemetry.JSON, reasonNoObject, record)
	}
	if content = bytes.TrimSpace(content); len(content) > 0 && content[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(content, &list); err != nil {
			return nil, answer, &httpError{http.StatusBadRequest, "parse_exception", "the content is no JSON array: " + err.Error()}
		}
		for _, record := range list {
			add(oneLine(record))
		}
		return data, answer, nil
	}
	for line := range lines(content) {
		add(line)
	}
	return data, answer, nil
}

// oneLine returns a JSON text without line breaks. Text that is no JSON is left
// as it is, less its line breaks.
func oneLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	if !bytes.ContainsAny(text, "\r\n") {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, text) == nil {
		return b.Bytes()
	}
	return bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, text)
}
