package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"tocsin/alliance"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/fault"
)

// cardCmd is the verbs of this organisation's card.
type cardCmd struct {
	Show cardShowCmd `cmd:"" help:"Show what this node tells others of the organisation, and its fingerprint."`
	Set  cardSetCmd  `cmd:"" help:"Change the card; all neighbours are told. What is not given stays as it is."`
}

const cardPath = alliancePath + "/card"

type cardShowCmd struct {
	atNode
	Format string `help:"table, json (the card alone), or passport (the signed card with the keys, for others)." enum:"table,json,passport" default:"table"`
}

func (s *cardShowCmd) Run(ctx context.Context, c *console) error {
	var own api.OwnCard
	if err := s.read(ctx, cardPath, nil, &own); err != nil {
		return err
	}
	p := &page{out: c.out}
	switch {
	case s.Format == "passport":
		_, err := fmt.Fprintf(c.out, "%s\n", own.Passport)
		return err
	case own.Card == nil:
		if s.Format == "json" {
			return fmt.Errorf("no card yet: 'tocsin card set' makes one: %w", fault.NotFound)
		}
		p.line("no card yet: 'tocsin card set' makes one, and 'tocsin organisation set' what it is made of")
	case s.Format == "json":
		return json.NewEncoder(c.out).Encode(own.Card)
	}
	p.line("node         %s", string(own.Node))
	p.line("fingerprint  %s", own.Fingerprint)
	if own.Card == nil {
		return p.err
	}
	if own.Proposed {
		p.line("(as the description of the organisation says; nobody has set it yet)")
	}
	p.line("kind         %s", string(own.Card.Kind))
	printCard(p, own.Card)
	for _, h := range claims(own.Card) {
		p.line("  claims       %s", h)
	}
	return p.err
}

// claims are the networks, AS numbers and domains of a card.
func claims(c *alliance.Card) []string {
	var all []string
	for _, network := range c.Networks {
		all = append(all, network.String())
	}
	for _, n := range c.ASNs {
		all = append(all, "AS"+strconv.FormatUint(uint64(n), 10))
	}
	return append(all, c.Domains...)
}

type cardSetCmd struct {
	atNode
	File    string            `arg:"" optional:"" help:"A whole card in JSON, as 'tocsin card show --format json' prints it."`
	Name    map[string]string `help:"Names by language, as en=Works; repeatable." placeholder:"LANGUAGE=NAME" mapsep:"none"`
	Kind    string            `help:"authority, association, enterprise or support." enum:",authority,association,enterprise,support" default:""`
	Sector  []string          `help:"Sectors, as health; repeatable." placeholder:"SECTOR"`
	Region  []string          `help:"Regions, as AT or CN-31; repeatable." placeholder:"REGION"`
	Zone    string            `help:"Time zone, as Europe/Vienna."`
	Contact []string          `help:"Whom to reach, as 'duty: Ann Lee, ann@example.org, +43 1 234567'; repeatable." placeholder:"ROLE: …" sep:"none"`
	Network []netip.Prefix    `help:"Networks, as 192.0.2.0/24; repeatable. Hubs confirm them."`
	ASN     []string          `help:"Numbers of autonomous systems, as AS64500; repeatable." name:"asn"`
	Domain  []string          `help:"Domains; repeatable."`
}

func (s *cardSetCmd) Run(ctx context.Context, c *console) error {
	var own api.OwnCard
	version, err := s.call(ctx, client.Request{Method: http.MethodGet, Path: cardPath}, &own)
	if err != nil {
		return err
	}
	card := alliance.Card{Kind: alliance.Enterprise}
	if own.Card != nil {
		card = *own.Card
	}
	if s.File != "" {
		text, err := limitedFile(s.File)
		if err != nil {
			return err
		}
		card = alliance.Card{}
		strict := json.NewDecoder(bytes.NewReader(text))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&card); err != nil {
			return fmt.Errorf("%s: %w: %w", s.File, err, fault.Invalid)
		}
	}
	if err := s.change(&card); err != nil {
		return usageError{err}
	}
	if _, err := s.call(ctx, client.Request{Method: http.MethodPut, Path: cardPath, In: &card, Version: version}, &own); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("revision %d of the card counts from now on", own.Card.Revision)
	return p.err
}

// change puts what the flags say into a card.
func (s *cardSetCmd) change(card *alliance.Card) error {
	for language, name := range s.Name {
		if card.Names == nil {
			card.Names = map[string]string{}
		}
		card.Names[language] = name
	}
	if s.Kind != "" {
		card.Kind = alliance.Kind(s.Kind)
	}
	if s.Zone != "" {
		card.TimeZone = s.Zone
	}
	for _, list := range []struct {
		given []string
		into  *[]string
	}{{s.Sector, &card.Sectors}, {s.Region, &card.Regions}, {s.Domain, &card.Domains}} {
		if len(list.given) > 0 {
			*list.into = list.given
		}
	}
	if len(s.Network) > 0 {
		card.Networks = s.Network
	}
	if len(s.ASN) > 0 {
		card.ASNs = nil
	}
	for _, text := range s.ASN {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(text), "AS"), 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no AS number: write AS64500", text)
		}
		card.ASNs = append(card.ASNs, uint32(n))
	}
	if len(s.Contact) > 0 {
		card.Contacts = nil
	}
	for _, text := range s.Contact {
		contact, err := readContact(text)
		if err != nil {
			return err
		}
		card.Contacts = append(card.Contacts, contact)
	}
	return nil
}

// readContact reads 'duty: Ann Lee, ann@example.org, +43 1 234567': what has an @ is
// the mail address, what begins like a number the telephone, the rest the name.
func readContact(text string) (k alliance.Contact, err error) {
	role, rest, ok := strings.Cut(text, ":")
	if !ok {
		return k, fmt.Errorf("%q: write 'duty: Ann Lee, ann@example.org, +43 1 234567'", text)
	}
	k.Role = strings.TrimSpace(role)
	for part := range strings.SplitSeq(rest, ",") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case strings.Contains(part, "@"):
			k.Mail = part
		case strings.ContainsAny(part[:1], "+0123456789("):
			k.Phone = part
		default:
			k.Name = part
		}
	}
	if k.Mail == "" && k.Phone == "" {
		return k, errors.New("a contact without mail address and telephone reaches nobody")
	}
	return k, nil
}
