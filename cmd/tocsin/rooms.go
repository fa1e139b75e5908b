package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tocsin/alliance/aid"
	"tocsin/alliance/answer"
	"tocsin/alliance/filing"
	"tocsin/alliance/link"
	"tocsin/alliance/member"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/alliance/transparency"
	"tocsin/alliance/warning"
	"tocsin/exchange/collection"
	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/document"
	"tocsin/internal/idempotency"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/internal/timer"
	"tocsin/people"
	"tocsin/plan/duty"
	"tocsin/plan/report"
)

// databaseRooms are the rooms that have tables, in the order in which they are
// made.
func databaseRooms() []store.Room {
	return []store.Room{
		audit.Room(), people.Room(), timer.Room(), notify.Room(), incident.Room(), duty.Room(), report.Room(), idempotency.Room(),
		member.Room(), link.Room(), warning.Room(), answer.Room(), filing.Room(), transparency.Room(),
		relay.Room(), sharing.Room(), aid.Room(),
		member.Room(), link.Room(), warning.Room(), answer.Room(), filing.Room(), transparency.Room(), collection.Room(),
	}
}

// incidentRooms are the rooms of incidents and of what the plan asks for, for the
// node.
type incidentRooms struct {
	register *incident.Register
	office   *duty.Office
	reports  *report.Reports
	keys     *idempotency.Keys
}

// openIncidents opens the rooms of incidents in the database of people, and what
// tells people and machines. The plan, the register and the timers need each
// other: first all are made, then joined. The error names file and line of a pack
// or playbook that will not do.
func (r *running) openIncidents(config *fileConfig) error {
	laws, err := (&packFlags{}).library(r.console)
	if err != nil {
		return err
	}
	blobs, err := store.OpenBlobs(filepath.Join(r.data, evidenceFolder))
	if err != nil {
		return err
	}
	playbooks, err := readPlaybooks(filepath.Join(r.data, playbooksFolder))
	if err != nil {
		return err
	}
	p, rooms := r.people, &incidentRooms{keys: idempotency.New(r.people.db, time.Now)}
	notices := func(ctx context.Context, tx *store.Tx, n duty.Notice) error { return r.telling.notice(ctx, tx, &n) }
	if rooms.office, err = duty.New(duty.Config{DB: p.db, Trail: p.trail, Library: laws, Notify: notices, Now: time.Now}); err != nil {
		return err
	}
	r.openAnswers()
	r.monitor = r.newMonitor()
	kinds := []map[string]timer.Kind{rooms.office.Kinds(), r.alliance.kinds(), r.warnings.kinds(), r.answers.Kinds(), r.monitor.Kinds()}
	if r.telling, err = r.openTelling(p, config, r.log, kinds...); err != nil {
		return usageError{err}
	}
	r.answers.Use(r.telling.timers)
	r.monitor.Join(r.telling.timers)
	rooms.register, err = incident.New(incident.Config{
		DB: p.db, Trail: p.trail, Facts: laws.Dictionary(), Blobs: blobs, Playbooks: playbooks, Now: time.Now,
		Opened: func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
			if err := rooms.office.Opened(ctx, tx, i); err != nil {
				return err
			}
			return r.telling.opened(ctx, tx, i)
		},
		Changed: rooms.office.Changed, Lacking: rooms.office.Lacking,
	})
	if err != nil {
		return err
	}
	rooms.office.Join(rooms.register, r.telling.timers)
	reported := report.Office{Office: rooms.office}
	rooms.reports = report.New(report.Config{
		DB: p.db, Trail: p.trail, Incidents: rooms.register, Library: rooms.office.Library, Duties: reported, Sent: reported.Sent,
		Fonts: sync.OnceValues(func() (*document.Fonts, error) { return document.FindFonts() }), Now: time.Now,
	})
	r.incidents = rooms
	return nil
}

// incidentsToRead are the rooms of incidents for verbs that read the database
// beside a running node, and change nothing.
func (c *console) incidentsToRead(p *peopleRooms) (*incidentRooms, error) {
	laws, err := (&packFlags{}).library(c)
	if err != nil {
		return nil, err
	}
	rooms := &incidentRooms{}
	if rooms.office, err = duty.New(duty.Config{DB: p.db, Trail: p.trail, Library: laws, Now: time.Now}); err != nil {
		return nil, err
	}
	if rooms.register, err = incident.New(incident.Config{DB: p.db, Trail: p.trail, Facts: laws.Dictionary(), Now: time.Now}); err != nil {
		return nil, err
	}
	rooms.office.Join(rooms.register, nil)
	return rooms, nil
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
