package intake

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"tocsin/telemetry"
)

// receipt is the blocks that the answer to one request acknowledges. When it is
// closed before it is delivered they are in doubt. It belongs to one goroutine.
type receipt struct {
	in     *Intake
	blocks []receiptBlock
}

type receiptBlock struct {
	entry  uint64
	source string
	format telemetry.Format
	data   []byte
}

func (in *Intake) newReceipt() *receipt { return &receipt{in: in} }

// repeats reports whether the block is one in doubt that comes again, which the
// receipt then acknowledges.
func (r *receipt) repeats(source string, format telemetry.Format, data []byte) bool {
	if r.in.doubts.none() {
		return false
	}
	one, ok := r.in.doubts.take(contentOf(source, format, data), r.in.now())
	if ok {
		r.add(one.entry, source, format, data)
	}
	return ok
}

func (r *receipt) add(entry uint64, source string, format telemetry.Format, data []byte) {
	r.blocks = append(r.blocks, receiptBlock{entry, source, format, data})
}

// promise notes that the sender may hear of the blocks from now on.
func (r *receipt) promise() {
	for _, b := range r.blocks {
		r.in.answers.note(b.entry)
	}
}

// delivered says that the answer is on its way.
func (r *receipt) delivered() { r.blocks = nil }

// close puts what was not delivered in doubt.
func (r *receipt) close() {
	now := r.in.now()
	for _, b := range r.blocks {
		r.in.answers.withdraw(b.entry)
		r.in.doubts.add(contentOf(b.source, b.format, b.data), doubt{b.entry, now.Add(doubtFor)}, now)
	}
	r.blocks = nil
}

// deliver answers a request. When the sender has gone, or the answer does not
// get as far as the operating system, the blocks stay in doubt.
func (r *receipt) deliver(w http.ResponseWriter, request *http.Request, kind string, status int, text []byte) {
	if request.Context().Err() != nil {
		// Without an answer of ours the server would write an empty one, which a
		// sender that closed only its half of the connection could take for good.
		panic(http.ErrAbortHandler)
	}
	r.promise()
	patientWriter(w)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, err := w.Write(text)
	if err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err == nil || errors.Is(err, http.ErrNotSupported) { // a test's recorder
		r.delivered()
	}
}

// The notes that stand with a block in the journal begin with what they are.
const (
	noteAwaits = 'a' // its sender awaits an answer, since the time behind
	notePlace  = 'f' // a followed file was read up to the cursor behind
	noteReplay = 'r' // lines of what was set aside were handed in again
)

func awaitsNote(now time.Time) []byte {
	return strconv.AppendInt([]byte{noteAwaits}, now.Unix(), 10)
}

// Recall learns what a crash left open from the notes that stand with blocks in
// the journal: which of them were not answered, how far followed files were read,
// and what of a replay was taken. Noted is node.Node's method of that name. It is called before Run, Serve
// and Handler.
func (in *Intake) Recall(noted func(visit func(entry uint64, note []byte, b *telemetry.Block)) error) error {
	var failed error
	err := noted(func(entry uint64, note []byte, b *telemetry.Block) {
		switch {
		case len(note) == 0:
		case note[0] == noteAwaits:
			in.recallAwaiting(entry, note, b)
		case note[0] == notePlace:
			in.recallPlace(note)
		case note[0] == noteReplay:
			failed = errors.Join(failed, in.aside.recall(note))
		}
	})
	return errors.Join(err, failed, in.answers.begin())
}

func (in *Intake) recallAwaiting(entry uint64, note []byte, b *telemetry.Block) {
	if in.answers.recall(entry) {
		return
	}
	seconds, err := strconv.ParseInt(string(note[1:]), 10, 64)
	until := time.Unix(seconds, 0).Add(doubtFor)
	if now := in.now(); err == nil && now.Before(until) {
		in.doubts.add(contentOf(b.Source.Name, b.Source.Format, b.Data), doubt{entry, until}, now)
	}
}
