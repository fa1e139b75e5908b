package warning

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/people"
)

// AddressesKind is the kind of an envelope that tells an owner which of their
// addresses stand on a list. Its body is an AddressNotice.
const AddressesKind = "addresses"

const (
	// MaxAddressList bounds a pasted list, in bytes.
	MaxAddressList = 16 << 20
	// maxAddresses is how many a list may hold.
	maxAddresses = 200_000
)

// AddressList is a list of infected or attacked addresses and domains, whoever's
// they are.
type AddressList struct {
	Title   string        `json:"title"`
	Text    string        `json:"text,omitempty"` // what is known of them, and what to do
	Marking intel.Marking `json:"tlp,omitempty"`  // absent is TLP:AMBER
	// List has one a line; what follows it on the line, behind a space, comma,
	// semicolon or tab, goes with it as a note. Lines that begin with # say nothing.
	List string `json:"list"`
}

// AddressItem is one address or domain of a list.
type AddressItem struct {
	Kind  intel.ObservableKind `json:"kind"`
	Value string               `json:"value"`
	Note  string               `json:"note,omitempty"`
}

// OwnersPart is the part of a list that is one owner's.
type OwnersPart struct {
	Node  alliance.NodeID `json:"node"`
	Name  string          `json:"name"`
	Items []AddressItem   `json:"items"`
	// Told says that it was sent; Reason why it cannot be.
	Told   bool   `json:"told"`
	Reason string `json:"reason,omitempty"`
}

// Split is a list split by whose things are.
type Split struct {
	Parts   []OwnersPart  `json:"parts"`
	Unowned []AddressItem `json:"unowned"`
	// Unread are lines that hold neither an address nor a domain.
	Unread []string `json:"unread"`
}

// AddressNotice is what an owner is told.
type AddressNotice struct {
	ID    string          `json:"id"`
	From  alliance.NodeID `json:"from,omitempty"` // who told it
	Title string          `json:"title"`
	Text  string          `json:"text,omitempty"`
	Items []AddressItem   `json:"items"`
	At    time.Time       `json:"at"`
}

// read reads the lines of a list. The error is fault.Invalid.
func (l *AddressList) read() (items []AddressItem, unread []string, err error) {
	if err := checkTexts(text{l.Title, maxShort}, text{l.Text, maxText}, text{l.List, MaxAddressList}); err != nil {
		return nil, nil, err
	}
	if strings.TrimSpace(l.Title) == "" {
		return nil, nil, invalid("a title is needed: owners read it")
	}
	if l.Marking == intel.TLPAmberStrict {
		return nil, nil, invalid("TLP:AMBER+STRICT never leaves this organisation")
	}
	unread = []string{}
	lines := bufio.NewScanner(strings.NewReader(l.List))
	lines.Buffer(nil, maxText)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		word, note := line, ""
		if cut := strings.IndexAny(line, " \t,;"); cut > 0 {
			word, note = line[:cut], strings.Trim(line[cut:], " \t,;")
		}
		o, err := readValue("", strings.Trim(word, `"'`), intel.MatchOrdinary)
		if err != nil || !blockable(o.Kind) && o.Kind != intel.EmailAddress {
			if len(unread) < maxProblems {
				unread = append(unread, fmt.Sprintf("%.100s", line))
			}
			continue
		}
		if items = append(items, AddressItem{o.Kind, o.Value, note}); len(items) > maxAddresses {
			return nil, nil, invalid("the list holds more than %d", maxAddresses)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, invalid("the list: %s", err)
	}
	return items, unread, nil
}

// Split says whose the addresses and domains of a list are, by the cards that were
// confirmed here, and tells nobody.
func (d *Desk) Split(ctx context.Context, l AddressList) (s Split, err error) {
	items, unread, err := l.read()
	if err != nil {
		return s, err
	}
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err = d.split(ctx, tx, items)
		return err
	})
	s.Unread = unread
	return s, err
}

func (d *Desk) split(ctx context.Context, tx *store.Tx, items []AddressItem) (Split, error) {
	s := Split{Parts: []OwnersPart{}, Unowned: []AddressItem{}}
	asked := make([]intel.Observable, len(items))
	notes := map[intel.Observable][]string{}
	for k, i := range items {
		asked[k] = intel.Observable{Kind: i.Kind, Value: i.Value}
		notes[asked[k]] = append(notes[asked[k]], i.Note)
	}
	owned, err := d.config.Owners(ctx, tx, slices.Clone(asked))
	if err != nil {
		return s, err
	}
	has := map[intel.Observable]bool{}
	for _, node := range slices.Sorted(maps.Keys(owned)) {
		part := OwnersPart{Node: node, Items: []AddressItem{}}
		if part.Name, err = d.config.Name(ctx, tx, node); err != nil {
			return s, err
		}
		for _, o := range owned[node] {
			if !has[o] {
				part.Items = append(part.Items, itemOf(o, notes[o]))
			}
			has[o] = true
		}
		s.Parts = append(s.Parts, part)
	}
	for _, o := range asked {
		if !has[o] {
			s.Unowned = append(s.Unowned, itemOf(o, notes[o]))
		}
		has[o] = true
	}
	return s, nil
}

func itemOf(o intel.Observable, notes []string) AddressItem {
	notes = slices.DeleteFunc(slices.Clone(notes), func(n string) bool { return n == "" })
	return AddressItem{o.Kind, o.Value, strings.Join(slices.Compact(notes), "; ")}
}

// TellOwners splits a list and sends each owner its own part, and nobody another's.
// The rest is returned as unowned.
func (d *Desk) TellOwners(ctx context.Context, who Who, l AddressList) (s Split, err error) {
	if err := (by{people.ApproveWarnings, false}).allows(who, "tell owners"); err != nil {
		return s, err
	}
	items, unread, err := l.read()
	if err != nil {
		return s, err
	}
	if l.Marking == intel.Unmarked {
		l.Marking = intel.TLPAmber
	}
	err = d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = d.split(ctx, tx, items); err != nil {
			return err
		}
		told := 0
		for k := range s.Parts {
			if err := d.tellOwner(ctx, tx, &l, &s.Parts[k]); err != nil {
				return err
			}
			if s.Parts[k].Told {
				told++
			}
		}
		return d.config.Trail.Record(ctx, tx, who.Actor, "warning.addresses", audit.Subject{Kind: "addresses", ID: l.Title}, nil,
			map[string]any{"items": len(items), "owners": len(s.Parts), "told": told, "unowned": len(s.Unowned)})
	})
	s.Unread = unread
	return s, err
}

func (d *Desk) tellOwner(ctx context.Context, tx *store.Tx, l *AddressList, part *OwnersPart) error {
	if part.Node == d.config.Identity.ID() {
		part.Reason = "it is our own"
		return nil
	}
	now := d.now()
	to := alliance.To(part.Node)
	reach, err := d.config.Recipients(ctx, tx, d.config.Identity.ID(), l.Marking, to)
	if err != nil {
		return err
	}
	neighbours := reach.neighbours()
	if len(neighbours) == 0 {
		part.Reason = "it has no node that can be reached: tell it by telephone or mail"
		for _, left := range reach.Left {
			if left.Node == part.Node {
				part.Reason = left.Reason
			}
		}
		return nil
	}
	n := AddressNotice{ID: d.ids.Next(now), Title: l.Title, Text: l.Text, Items: part.Items, At: now}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	e, err := d.config.Identity.Seal(envelope.Header{
		ID: n.ID, Kind: AddressesKind, Schema: 1, Audience: to, Marking: l.Marking, Issued: now, Expires: now.Add(envelopeLasts),
	}, text)
	if err != nil {
		return err
	}
	part.Told = true
	return d.config.Send(ctx, tx, e, neighbours...)
}

// Addresses takes a list of our addresses from above, as link's handler of
// AddressesKind, or passes on one that is a member's.
func (i *Inbox) Addresses(ctx context.Context, tx *store.Tx, in Message) error {
	up, err := i.config.Uplink(ctx, tx, in.From)
	if err != nil {
		return err
	}
	if !up {
		return refused("node %s does not stand above this one", in.From)
	}
	self := i.config.Identity.ID()
	if !slices.Contains(in.Header.Audience.Members, self) {
		reach, err := i.config.Recipients(ctx, tx, in.Header.Author, in.Header.Marking, in.Header.Audience)
		if err != nil {
			return err
		}
		return i.config.Forward(ctx, tx, in, reach.neighbours()...)
	}
	var n AddressNotice
	if err := json.Unmarshal(in.Body, &n); err != nil {
		return malformed(err)
	}
	if err := n.check(); err != nil {
		return malformed(err)
	}
	n.ID, n.From = in.Header.ID, in.Header.Author
	if err := insertNotice(ctx, tx, &n, i.now()); err != nil {
		return err
	}
	return i.config.Tell(ctx, tx, n.notice())
}

func (n *AddressNotice) check() error {
	if err := checkTexts(text{n.Title, maxShort}, text{n.Text, maxText}); err != nil {
		return err
	}
	if len(n.Items) == 0 || len(n.Items) > maxAddresses {
		return fmt.Errorf("it names %d addresses: %w", len(n.Items), fault.Invalid)
	}
	for k, item := range n.Items {
		o, err := observable.Parse(item.Kind, item.Value)
		if err != nil || o.Value != item.Value || len(item.Note) > maxText {
			return fmt.Errorf("items[%d] is no address in normal form: %w", k, fault.Invalid)
		}
	}
	return nil
}

// notice is what people are told.
func (n *AddressNotice) notice() Notice {
	var t strings.Builder
	fmt.Fprintf(&t, "%s\n\n", n.Title)
	if n.Text != "" {
		fmt.Fprintf(&t, "%s\n\n", n.Text)
	}
	for k, item := range n.Items {
		if k == 50 {
			fmt.Fprintf(&t, "  and %d more\n", len(n.Items)-k)
			break
		}
		fmt.Fprintf(&t, "  %s  %s\n", item.Value, item.Note)
	}
	t.WriteString("\nWhat to do: hunt for what these did (tocsin hunt), and open an incident where it is true. All of them: tocsin warn addresses --received\n")
	return Notice{
		Key: "addresses/" + n.ID, Kind: NoticeAddresses, Warning: n.ID, To: []string{dutyOfficer},
		Subject: fmt.Sprintf("%d addresses of ours are on a list: %s", len(n.Items), n.Title), Text: t.String(),
	}
}

// Notices returns the lists of our addresses that came, the last one first.
func (i *Inbox) Notices(ctx context.Context) (all []AddressNotice, err error) {
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectNotices(ctx, tx)
		return err
	})
	return all, err
}
