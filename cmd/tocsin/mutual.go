package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/member"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
)

// openMutual opens what members of an alliance share and ask of each other.
func (r *running) openMutual() (err error) {
	a, m := r.alliance, mutual{r}
	a.relay, err = relay.New(relay.Config{
		Identity: a.identity, Links: a.links, Introduce: a.members.Introduce,
		Onward: func(ctx context.Context, tx *store.Tx, label alliance.Label, author, from alliance.NodeID) (relay.Onward, error) {
			on, err := a.members.Onward(ctx, tx, label, author, from)
			to := relay.Onward{To: on.To}
			for _, left := range on.Left {
				to.Left = append(to.Left, left.Name+": "+left.Reason)
			}
			return to, err
		},
		Below: func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
			role, active, err := a.members.Neighbour(ctx, tx, node)
			return active && role == member.Down, err
		},
	})
	if err != nil {
		return err
	}
	a.sharing, err = sharing.New(sharing.Config{
		DB: r.people.db, Trail: r.people.trail, Links: a.links, Relay: a.relay, Group: m.group, Hubs: m.hubs, Name: m.name, Watch: m.watch, Tell: m.shared,
		Log: r.log.With(slog.String("room", "sharing")),
	})
	if err != nil {
		return err
	}
	a.aid, err = aid.New(aid.Config{
		DB: r.people.db, Trail: r.people.trail, Links: a.links, Relay: a.relay, Hubs: m.hubs, Name: m.name, Tell: m.helped,
		Case: func(ctx context.Context, tx *store.Tx, word string) (string, error) {
			i, err := r.incidents.register.GetIn(ctx, tx, word)
			return i.ID, err
		},
	})
	return err
}

// mutual is what other rooms do about what is shared and asked for.
type mutual struct{ *running }

// hubs are the active hubs of this node.
func (m mutual) hubs(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error) {
	all, err := m.alliance.members.Uplinks(ctx, tx)
	var active []alliance.NodeID
	for k := range all {
		if all[k].State == member.Active {
			active = append(active, all[k].Node)
		}
	}
	return active, err
}

// group finds a group by its ID or name, among those that this node knows whole.
func (m mutual) group(ctx context.Context, tx *store.Tx, word string) (alliance.NodeID, []alliance.NodeID, error) {
	all, err := m.alliance.members.Groups(ctx, tx, m.alliance.members.Self())
	if err != nil {
		return "", nil, err
	}
	for k := range all {
		if g := &all[k]; len(g.Members) > 0 && (g.ID == word || strings.EqualFold(g.Name, word)) {
			return g.Hub, g.Members, nil
		}
	}
	return "", nil, fmt.Errorf("group %.40q: %w", word, fault.NotFound)
}

func (m mutual) name(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error) {
	if node == m.alliance.identity.ID() {
		card, err := m.alliance.identity.Passport().Card()
		if errors.Is(err, fault.NotFound) {
			return string(node), nil
		}
		return card.Name("en"), err
	}
	return m.nameOf(ctx, tx, node)
}

// sharedSets begins the names of the sets that shares bring.
const sharedSets = "share-"

// watch makes the node look for what others shared: a set for each share, named after
// it, which goes with it.
func (m mutual) watch(ctx context.Context, all []sharing.Watched, content func(context.Context, *sharing.Share) error) error {
	wanted := map[string]*brought{}
	for k := range all {
		w := &all[k]
		by := w.Name
		if w.Anonymous {
			by = "a member of " + by
		}
		wanted[sharedSets+strings.ToLower(w.ID)] = &brought{
			origin: fmt.Sprintf("share %s of %s", w.ID, by), source: string(w.Author), label: "share " + w.ID, marking: w.Marking, until: w.Until,
			indicators: func() ([]alliance.Indicator, error) {
				if err := content(ctx, &w.Share); err != nil || w.Content == nil {
					return nil, err
				}
				return w.Content.Indicators, nil
			},
		}
	}
	if err := keepBrought(m.console.indicators(), sharedSets, wanted); err != nil {
		return err
	}
	return m.indicators.refresh()
}

// shared tells people of what was shared, and of its end.
func (m mutual) shared(ctx context.Context, tx *store.Tx, n sharing.Notice) error {
	by := n.Name
	if n.Share.Anonymous {
		by = "A member of " + by
	}
	words := map[string]string{"shared": "shares", "withdrawn": "withdraws"}[n.Kind]
	text := fmt.Sprintf("%s %s (TLP:%s): %s\n\n%s\n\nWhat to do: tocsin share show %s\n", by, words, strings.ToUpper(n.Share.Marking.String()), n.Share.Title, n.Text, n.Share.ID)
	_, err := m.telling.Post(ctx, tx, notify.Message{
		ID: "share-" + n.Kind + "-" + n.Share.ID, Event: "share." + n.Kind, About: "share " + n.Share.ID,
		Title: fmt.Sprintf("%s %s: %s", by, words, n.Share.Title), Text: text, To: []notify.Address{notify.To(toDuty, "")},
	})
	return err
}

// helped records a step of mutual aid in its case, and tells people.
func (m mutual) helped(ctx context.Context, tx *store.Tx, who audit.Actor, n aid.Notice) error {
	text := helpText(&n)
	if n.Incident != "" {
		_, err := m.incidents.register.AlterIn(ctx, tx, incident.Change{Who: who, Incident: n.Incident}, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
			return m.incidents.register.TellIn(ctx, tx, who, i, incident.Entry{Kind: incident.EntryComment, Text: cut(text, 8000)})
		})
		if err != nil && !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Conflict) { // it was closed, or merged
			return err
		}
	}
	if who.From != "link" && who.ID != "node" {
		return nil // people here did it
	}
	id := n.Request.ID
	if n.Offer != nil {
		id = n.Offer.ID
	}
	_, err := m.telling.Post(ctx, tx, notify.Message{
		ID: "aid-" + n.Kind + "-" + id, Event: "aid." + n.Kind, About: "aid " + n.Request.ID, Title: "Mutual aid: " + n.Request.Help.Title,
		Text: text + "\n\nWhat to do: tocsin aid show " + n.Request.ID + "\n", To: []notify.Address{notify.To(toDuty, "")},
	})
	return err
}

// helpText says a step of mutual aid.
func helpText(n *aid.Notice) string {
	h := &n.Request.Help
	var text string
	switch n.Kind {
	case "requested":
		text = fmt.Sprintf("The alliance is asked for help: %s (%s), until %s.", h.Title, strings.Join(h.Skills, ", "), minute(h.Until))
	case "asked":
		by := n.Name
		if n.Request.Anonymous {
			by = "A member of " + by
		}
		text = fmt.Sprintf("%s asks for help: %s (%s), until %s.", by, h.Title, strings.Join(h.Skills, ", "), minute(h.Until))
	case "offered":
		o := &n.Offer.Offer
		text = fmt.Sprintf("%s offers help: %d people (%s). Contact: %s.", n.Name, o.People, strings.Join(o.Skills, ", "), o.Contact)
	case string(aid.Accepted), string(aid.Declined):
		text = fmt.Sprintf("The offer of %s is %s by %s.", n.Offer.Name, n.Kind, n.Name)
		if n.Offer.Decision != nil && n.Offer.Decision.Contact != "" {
			text += " Contact: " + n.Offer.Decision.Contact + "."
		}
	case "request_over":
		text = fmt.Sprintf("The request for help is over (%s): %s.", n.Request.State, h.Title)
	case "offer_over":
		text = n.Name + " takes its offer of help back."
	}
	if n.Text != "" {
		text += "\n\n" + n.Text
	}
	return text
}
