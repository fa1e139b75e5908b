package federation

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// deliverAtOnce is how many members are answered at the same time: enough to
	// hide the way to a cluster and back.
	deliverAtOnce = 32
	// An answer carries at most so many messages, and no more once it has so many
	// bytes: a member holds it in memory, and it waits for a slow line.
	answerMessages = 64
	answerBytes    = 256 << 10
)

// deliveries answers members that ask for what comes next.
type deliveries struct {
	hub       *Hub
	crew      *crew
	forgetful *crew // removes what members have: that may take its time
	subs      []*nats.Subscription

	mu      sync.Mutex
	waiting map[string]*position // guarded by mu
	floor   uint64               // what was stored before we began
	epoch   int64                // when the stream was made: its numbers mean nothing in another
}

// position is where a member stands. Its fields are guarded by deliveries.mu.
type position struct {
	question  *question
	highest   uint64 // nothing with a higher number is known to be stored for it
	has       uint64 // up to here the member has it
	forgotten uint64 // up to here it has been removed
}

// question is the latest that a member asked: an older one nobody waits for.
type question struct {
	reply string
	after uint64 // what it has
}

func newDeliveries(h *Hub, stream *jetstream.StreamInfo) *deliveries {
	d := &deliveries{hub: h, waiting: map[string]*position{}, floor: stream.State.LastSeq, epoch: stream.Created.UnixMicro()}
	d.crew, d.forgetful = newCrew(deliverAtOnce, d.answer), newCrew(1, d.forget)
	return d
}

func (d *deliveries) begin(ctx context.Context) error {
	d.crew.begin(ctx)
	d.forgetful.begin(ctx)
	sub, err := d.hub.ears.Subscribe(nextPrefix+"*", d.asked)
	if err != nil {
		return unavailable("listen for members", err)
	}
	d.subs = append(d.subs, sub)
	if err := d.hub.ears.Flush(); err != nil {
		return unavailable("listen for members", err)
	}
	// Those who asked before we began have waited for nobody.
	d.hub.call()
	return nil
}

func (d *deliveries) end() {
	for _, sub := range d.subs {
		_ = sub.Unsubscribe()
	}
	d.crew.end()
	d.forgetful.end()
}

// at is called with mu held.
func (d *deliveries) at(member string) *position {
	p := d.waiting[member]
	if p == nil {
		p = &position{highest: d.floor}
		d.waiting[member] = p
	}
	return p
}

// asked takes a member's question. It must be quick: all members' come here.
func (d *deliveries) asked(m *nats.Msg) {
	member, ok := speaker(m.Subject, nextPrefix)
	if !ok || !isInbox(m.Reply, member) || d.hub.roster.check(member) != nil {
		d.hub.presence.refused(member)
		return
	}
	q := &question{m.Reply, after(m.Header.Get(positionHeader), d.epoch)}
	d.mu.Lock()
	p := d.at(member)
	p.question, p.has = q, max(p.has, q.after)
	forget := p.has > p.forgotten
	d.mu.Unlock()
	d.crew.call(member)
	if forget {
		d.forgetful.call(member)
	}
}

// positionText is what a member keeps of a message to go on after it.
func positionText(epoch int64, number uint64) string {
	return strconv.FormatInt(epoch, 10) + "." + strconv.FormatUint(number, 10)
}

// after reads what a member has. A position in another stream, as after the
// folder of the streams was lost, is the beginning.
func after(position string, epoch int64) uint64 {
	made, text, _ := strings.Cut(position, ".")
	if e, err := strconv.ParseInt(made, 10, 64); err != nil || e != epoch {
		return 0
	}
	number, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0
	}
	return number
}

// stored says that there is something for a member.
func (d *deliveries) stored(member string, number uint64) {
	d.mu.Lock()
	p := d.at(member)
	p.highest = max(p.highest, number)
	asked := p.question != nil
	d.mu.Unlock()
	if asked {
		d.crew.call(member)
	}
}

// drop forgets what a member asked.
func (d *deliveries) drop(member string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at(member).question = nil
}

// look returns what a member waits for; ok is false when it waits for nothing
// that there could be.
func (d *deliveries) look(member string) (q *question, highest uint64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.waiting[member]
	if p == nil || p.question == nil {
		return nil, 0, false
	}
	return p.question, p.highest, true
}

// answered ends a question, if no other has come since.
func (d *deliveries) answered(member string, q *question) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.waiting[member]; p != nil && p.question == q {
		p.question = nil
	}
}

// none says that nothing was stored above a number, when the highest known was
// this; ok is false if something came since.
func (d *deliveries) none(member string, above, highest uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.waiting[member]; p != nil && p.highest == highest {
		p.highest = above
	}
}

// answer is one member's turn.
func (d *deliveries) answer(ctx context.Context, member string) {
	q, highest, ok := d.look(member)
	if !ok {
		return
	}
	a := &answer{deliveries: d, member: member, question: q, next: q.after + 1}
	err := a.send(ctx, highest)
	if a.sent > 0 {
		d.answered(member, q)
	}
	if err != nil && ctx.Err() == nil {
		d.hub.log.Debug("a member could not be given what is stored for it, it is tried again",
			slog.String("member", member), slog.String("reason", err.Error()))
		time.AfterFunc(retryPause, func() { d.crew.call(member) })
	}
}

// answer is what one question is answered by.
type answer struct {
	*deliveries
	member   string
	question *question
	next     uint64 // the lowest number that may come next
	sent     int
	bytes    int
}

// send sends what there is, as far as it goes into one answer.
func (a *answer) send(ctx context.Context, highest uint64) error {
	var held *jetstream.RawStreamMsg // which is the last if no other comes
	for a.next <= highest && a.sent < answerMessages-1 && a.bytes < answerBytes {
		m, err := a.read(ctx)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			a.none(a.member, a.next-1, highest)
			break
		}
		if err != nil {
			return errors.Join(unavailable("read the stream", err), a.part(held, true))
		}
		if err := a.part(held, false); err != nil {
			return err
		}
		held, a.next, a.bytes = m, m.Sequence+1, a.bytes+len(m.Data)
	}
	return a.part(held, true)
}

func (a *answer) read(ctx context.Context) (*jetstream.RawStreamMsg, error) {
	limited, cancel := context.WithTimeout(ctx, a.hub.broker.ackWait())
	defer cancel()
	return a.hub.down.GetMsg(limited, a.next, jetstream.WithGetMsgSubject(downPrefix+a.member))
}

func (a *answer) part(m *jetstream.RawStreamMsg, last bool) error {
	if m == nil {
		return nil
	}
	a.sent++
	out := &nats.Msg{Subject: a.question.reply, Data: m.Data, Header: nats.Header{
		idHeader:       m.Header[idHeader],
		positionHeader: {positionText(a.epoch, m.Sequence)},
		partHeader:     {strconv.Itoa(a.sent)},
	}}
	if last {
		out.Header.Set(lastHeader, "1")
	}
	if err := a.hub.voice.PublishMsg(out); err != nil {
		return unavailable("answer", err)
	}
	return nil
}

// forget removes what the member has. Whatever number it says, only what is its
// own goes; and what is lost of this by a crash is removed when it asks again.
func (d *deliveries) forget(ctx context.Context, member string) {
	d.mu.Lock()
	p := d.at(member)
	has, forgotten := p.has, p.forgotten
	d.mu.Unlock()
	if has <= forgotten {
		return
	}
	limited, cancel := context.WithTimeout(ctx, d.hub.broker.ackWait())
	defer cancel()
	err := d.hub.down.Purge(limited, jetstream.WithPurgeSubject(downPrefix+member), jetstream.WithPurgeSequence(has+1))
	if err != nil {
		if ctx.Err() == nil {
			d.hub.log.Debug("what a member has could not be removed, it is tried again",
				slog.String("member", member), slog.String("reason", err.Error()))
			time.AfterFunc(d.hub.broker.ackWait(), func() { d.forgetful.call(member) })
		}
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p.forgotten = max(p.forgotten, has)
}
