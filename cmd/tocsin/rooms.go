package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/idempotency"
	"tocsin/internal/store"
	"tocsin/people"
	"tocsin/plan/fact"
)

// The folders of the data directory that incidents need.
const (
	evidenceFolder  = "evidence"
	playbooksFolder = "playbooks"
)

// databaseRooms are the rooms that have tables, in the order in which they are
// made.
func databaseRooms() []store.Room {
	return []store.Room{audit.Room(), people.Room(), incident.Room(), idempotency.Room()}
}

// incidentRooms are the rooms of incidents, for the node.
type incidentRooms struct {
	register *incident.Register
	facts    *fact.Dictionary
	keys     *idempotency.Keys
}

// planHooks are what the plan does inside the transactions of incidents; each
// may be nil.
type planHooks struct {
	opened  func(context.Context, *store.Tx, *incident.Incident) error
	changed func(context.Context, *store.Tx, *incident.Incident, []incident.Entry) error
	lacking func(context.Context, *store.Tx, *incident.Incident, incident.State) ([]string, error)
}

// openIncidents opens the rooms of incidents in the database of people. The
// error names file and line of a pack or playbook that will not do.
func (c *console) openIncidents(p *peopleRooms, hooks planHooks) (*incidentRooms, error) {
	laws, err := (&packFlags{}).library(c)
	if err != nil {
		return nil, err
	}
	blobs, err := store.OpenBlobs(filepath.Join(c.data, evidenceFolder))
	if err != nil {
		return nil, err
	}
	playbooks, err := readPlaybooks(filepath.Join(c.data, playbooksFolder))
	if err != nil {
		return nil, err
	}
	rooms := &incidentRooms{facts: laws.Dictionary(), keys: idempotency.New(p.db, time.Now)}
	rooms.register, err = incident.New(incident.Config{
		DB: p.db, Trail: p.trail, Facts: rooms.facts, Blobs: blobs, Playbooks: playbooks, Now: time.Now,
		Opened: hooks.opened, Changed: hooks.changed, Lacking: hooks.lacking,
	})
	return rooms, err
}

// readPlaybooks reads the playbooks of a folder, if it is there, in the order of
// their files' names.
func readPlaybooks(folder string) ([]incident.Playbook, error) {
	texts, err := packTexts(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("playbooks: %w", err)
	}
	var all []incident.Playbook
	var wrong []error
	files := map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		p, err := incident.ReadPlaybook(file, texts[file])
		if other, twice := files[p.ID]; err == nil && twice {
			err = fmt.Errorf("%s: the id %q is that of %s", file, p.ID, other)
		}
		files[p.ID] = file
		all, wrong = append(all, p), append(wrong, err)
	}
	return all, errors.Join(wrong...)
}
