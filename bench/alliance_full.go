package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/carrier"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/warning"
	"tocsin/detect"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/timer"
	"tocsin/node"
	"tocsin/telemetry/logsource"
)

// hosted is what a process that holds members is told: a file of its own.
type hosted struct {
	Hub      alliance.NodeID
	Passport json.RawMessage // of the hub
	// Database is one with the tables, to be copied; Memories are data directories
	// with a ledger each. Both are empty for members with canned answers.
	Database string
	Memories []string
	Members  []hostedMember
}

// hostedMember is one member: its folder, and which of the memories it has.
type hostedMember struct {
	Dir    string
	Memory int
	// Addresses, Credential, Seed and Pin are of a member with canned answers, which
	// has no carrier to keep them.
	Addresses  []string
	Credential string
	Seed       []byte
	Pin        []byte
}

// fullMember is the rooms of a node that take a warning in and answer it.
type fullMember struct {
	identity *envelope.Identity
	db       *store.DB
	carrier  *carrier.Carrier
	links    *link.Links
	timers   *timer.Timers
	inbox    *warning.Inbox
	answers  *answer.Answers
	warned   node.Warned
}

// beMembers holds members until its standard input ends. What it is asked there, a
// word a line, it answers with a line of JSON: "connected" how many are, "steps"
// what each step of an answer costs.
func beMembers(file string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var h hosted
	if err := json.Unmarshal(text, &h); err != nil {
		return err
	}
	hub, err := envelope.ParsePassport(h.Passport)
	if err != nil {
		return err
	}
	if h.Database == "" {
		return h.canned(ctx, hub)
	}
	return h.full(ctx, hub)
}

func (h *hosted) full(ctx context.Context, hub *envelope.Passport) error {
	memories, err := openMemories(ctx, h.Memories)
	if err != nil {
		return err
	}
	all := make([]*fullMember, len(h.Members))
	err = atOnce(len(all), func(n int) (err error) {
		all[n], err = h.openFull(ctx, h.Members[n].Dir, memories[h.Members[n].Memory], hub)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Println(`"open"`)
	stop, err := profiled()
	if err != nil {
		return err
	}
	defer stop()
	return answerWords(os.Stdin, func(word string) (any, error) {
		switch word {
		case "connected":
			n := 0
			for _, m := range all {
				if _, ok := m.carrier.Connected(h.Hub); ok {
					n++
				}
			}
			return n, nil
		case "steps":
			return stepsOf(ctx, all[len(all)-1])
		}
		return nil, fmt.Errorf("%q is not answered here", word)
	})
}

// answerWords answers what is asked a line at a time.
func answerWords(in io.Reader, answer func(word string) (any, error)) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		said, err := answer(lines.Text())
		if err != nil {
			return err
		}
		text, err := json.Marshal(said)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return nil
}

// memberCache is what each ledger keeps in memory: some thirty are open at once.
const memberCache = 64 << 20

// openMemories opens nodes that remember and take nothing in.
func openMemories(ctx context.Context, dirs []string) ([]*node.Node, error) {
	mappings, err := logsource.Load()
	if err != nil {
		return nil, err
	}
	var all []*node.Node
	for _, dir := range dirs {
		n, err := node.Open(node.Config{Dir: dir, Memory: node.Memory{CacheBytes: memberCache}, Mappings: mappings, Encode: func(to []byte, _ *detect.Finding) []byte { return to }})
		if err != nil {
			return nil, err
		}
		go func() { _ = n.Run(ctx) }()
		all = append(all, n)
	}
	return all, nil
}

// profileVariable names a file that the process of members writes a profile of its CPU
// to, where it is set.
const profileVariable = "TOCSIN_BENCH_PROFILE"

func profiled() (stop func(), err error) {
	name := os.Getenv(profileVariable)
	if name == "" {
		return func() {}, nil
	}
	out, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = out.Close() }, pprof.StartCPUProfile(out)
}

func (h *hosted) openFull(ctx context.Context, dir string, memory *node.Node, hub *envelope.Passport) (m *fullMember, err error) {
	m = &fullMember{warned: node.Warned{Hunt: memory.Hunt, Retained: memory.Retained}}
	if m.identity, err = envelope.Load(filepath.Join(dir, "identity")); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "tocsin.db")
	if err := copyFile(file, h.Database); err != nil {
		return nil, err
	}
	const connections = 2
	if m.db, err = store.Open(ctx, store.Config{Path: file, Connections: connections}); err != nil {
		return nil, err
	}
	if m.carrier, err = carrier.Open(ctx, carrier.Config{Dir: filepath.Join(dir, "uplinks")}); err != nil {
		return nil, err
	}
	blobs, err := store.OpenBlobs(filepath.Join(dir, "pieces"))
	if err != nil {
		return nil, err
	}
	trail := audit.New(m.db, time.Now)
	m.links, err = link.New(link.Config{
		DB: m.db, Trail: trail, Identity: m.identity, Ring: envelope.Passports{h.Hub: hub, m.identity.ID(): m.identity.Passport()}, Blobs: blobs, Carrier: m.carrier,
		Neighbour: func(_ context.Context, _ *store.Tx, of alliance.NodeID) (link.Role, bool, error) {
			return link.Above, of == h.Hub, nil
		},
	})
	if err != nil {
		return nil, err
	}
	m.openRooms(trail, h.Hub)
	go func() { _ = m.links.Run(ctx) }()
	go func() { _ = m.carrier.Run(ctx, m.links) }()
	go func() { _ = m.timers.Run(ctx) }()
	go func() { _ = m.answers.Run(ctx) }()
	return m, nil
}

// openRooms joins inbox and answers as a node does. The dry run over the last day, the
// installing of what is to be watched for and the telling of people are left out:
// none is before the answer.
func (m *fullMember) openRooms(trail *audit.Trail, hub alliance.NodeID) {
	m.answers = answer.New(answer.Config{
		DB: m.db, Trail: trail, Self: m.identity.ID, Seal: m.identity.Seal, Send: m.links.Send, Hunt: m.warned.Answer,
	})
	m.inbox = warning.NewInbox(warning.InboxConfig{
		DB: m.db, Trail: trail, Identity: m.identity, Send: m.links.Send,
		Uplink: func(_ context.Context, _ *store.Tx, of alliance.NodeID) (bool, error) { return of == hub, nil },
		Arrived: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in warning.Message) error {
			return m.answers.Arrived(ctx, tx, answer.Received(in), b)
		},
	})
	kinds := m.answers.Kinds()
	maps.Copy(kinds, m.inbox.Kinds())
	m.timers = timer.New(m.db, kinds, timer.Config{})
	m.answers.Use(m.timers)
	m.inbox.Join(m.timers)
	m.links.On(alliance.WarningKind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
		return m.inbox.Handle(ctx, tx, warning.Message(in))
	})
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// fullDatabase makes a database with the tables that a member needs.
func fullDatabase(ctx context.Context, file string) (err error) {
	db, err := store.Open(ctx, store.Config{Path: file})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Migrate(ctx, audit.Room(), timer.Room(), link.Room(), warning.Room(), answer.Room())
}
