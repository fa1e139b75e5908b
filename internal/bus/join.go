package bus

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Message is one message as a worker gets it.
type Message struct {
	Partition int
	// Sequence rises within a partition: over all of what a worker was given
	// no lower one comes later, but for what comes again after trouble.
	Sequence uint64
	// Published is when the server stored it, by its clock.
	Published time.Time
	Data      []byte
}

// arrival is a message of the server, which may be a part of one of ours.
type arrival struct {
	jetstream.Msg
	meta *jetstream.MsgMetadata
}

// delivery is a message with what is to be acknowledged for it.
type delivery struct {
	Message
	arrivals []arrival
}

// joiner puts parts together. What is no whole message, which only another
// program can have published, is handed on as it is, so that whoever reads it
// can keep it aside.
type joiner struct {
	parts   []arrival
	bytes   int
	missing int // parts that are still to come
}

// maxParts bounds the parts of a message.
const maxParts = MaxMessage/minPart + 1

// add takes what comes next and returns what is complete by it.
func (j *joiner) add(a arrival) []delivery {
	part, _ := strconv.Atoi(a.Headers().Get(partHeader))
	parts, _ := strconv.Atoi(a.Headers().Get(partsHeader))
	var done []delivery
	if j.missing > 0 && (part != len(j.parts)+1 || parts != len(j.parts)+j.missing) {
		done = append(done, j.whole())
	}
	if j.missing == 0 {
		j.missing = 1
		if part == 1 && parts > 1 && parts <= maxParts {
			j.missing = parts
		}
	}
	j.parts, j.bytes, j.missing = append(j.parts, a), j.bytes+len(a.Data()), j.missing-1
	if j.missing == 0 || j.bytes > MaxMessage {
		done = append(done, j.whole())
	}
	return done
}

// whole returns what there is as one message and begins anew.
func (j *joiner) whole() delivery {
	last := j.parts[len(j.parts)-1]
	m := delivery{
		Message:  Message{Sequence: last.meta.Sequence.Stream, Published: last.meta.Timestamp, Data: last.Data()},
		arrivals: j.parts,
	}
	if len(j.parts) > 1 {
		m.Data = make([]byte, 0, j.bytes)
		for _, p := range j.parts {
			m.Data = append(m.Data, p.Data()...)
		}
	}
	*j = joiner{}
	return m
}
