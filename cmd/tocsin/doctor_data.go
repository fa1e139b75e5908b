package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/internal/certificate"
	"tocsin/internal/output"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/memory/journal"
	"tocsin/memory/ledger"
	"tocsin/node"
	"tocsin/people"
)

// expirySoon is when a certificate is to be renewed: time to notice that what
// renews it does not.
const expirySoon = 21 * 24 * time.Hour

// checkCertificates looks at what a node would show.
func checkCertificates(_ context.Context, p *patient) []symptom {
	c := p.config.TLS
	switch {
	case len(c.ACME.Hosts) > 0:
		return p.acmeCertificates()
	case c.Certificate == "":
		return []symptom{says(fine, "", "none is configured: nothing is encrypted")}
	}
	e, err := certificate.Examine(c.Certificate, c.Key, p.now)
	if err != nil {
		return []symptom{says(failed, "", "%v", err)}
	}
	found := []symptom{goodUntil(c.Certificate, e, p.now)}
	if e.Untrusted != nil {
		found = append(found, says(doubtful, "right where your own authority issued it: give senders its certificate",
			"this machine does not trust %s: %v", c.Certificate, e.Untrusted))
	}
	if info, err := os.Stat(c.Key); err == nil && info.Mode().Perm()&(othersMayRead|othersMayWrite) != 0 {
		found = append(found, says(failed, "chmod 600 "+c.Key, "others may read the key %s (mode %04o)", c.Key, info.Mode().Perm()))
	}
	if host, _ := os.Hostname(); host != "" && len(e.Names) > 0 && !e.For(host) {
		found = append(found, says(doubtful, "right where senders use one of those names", "it is for %s, and not for this machine's name %s", strings.Join(e.Names, ", "), host))
	}
	return found
}

// goodUntil says until when a certificate is good.
func goodUntil(name string, e *certificate.Examined, now time.Time) symptom {
	text := name + " (" + strings.Join(e.Names, ", ") + ") "
	switch left := e.Until.Sub(now); {
	case now.Before(e.From):
		return says(failed, "is the clock right?", "%sis good from %s only", text, e.From.Format(time.DateOnly))
	case left <= 0:
		return says(failed, "renew it: senders refuse to connect", "%sexpired %s", text, e.Until.Format(time.DateOnly))
	case left < expirySoon:
		return says(doubtful, "renew it; a running node takes it up by itself", "%sexpires in %s, on %s", text, output.Count(int(left.Hours()/24), "day", "days"), e.Until.Format(time.DateOnly))
	}
	return says(fine, "", "%sis good until %s", text, e.Until.Format(time.DateOnly))
}

// acmeCertificates looks at what was got by ACME so far.
func (p *patient) acmeCertificates() (found []symptom) {
	for _, host := range p.config.TLS.ACME.Hosts {
		e, err := certificate.ExamineCached(filepath.Join(p.data, acmeFolder, host), p.now)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, says(doubtful, "a node that runs, and that the authority reaches, gets one", "none was got for %s yet", host))
		case err != nil:
			found = append(found, says(failed, "remove it: it is got again", "%v", err))
		default:
			found = append(found, goodUntil("by ACME", e, p.now))
		}
	}
	return found
}

// checkTokens looks at who may send and ask.
func checkTokens(ctx context.Context, p *patient) []symptom {
	path := filepath.Join(p.data, databaseFile)
	var list []people.Token
	if info, err := os.Stat(path); err == nil {
		if info.Mode().Perm()&(othersMayRead|othersMayWrite) != 0 {
			return []symptom{says(failed, "chmod 600 "+path, "others may read %s (mode %04o)", path, info.Mode().Perm())}
		}
		if err := p.withPeople(ctx, func(ctx context.Context, rooms *peopleRooms) (err error) {
			list, err = rooms.tokens.List(ctx)
			return err
		}); err != nil {
			return []symptom{says(failed, "restore "+databaseFile+" from a backup", "%v", err)}
		}
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&(othersMayRead|othersMayWrite) != 0 {
		return []symptom{says(failed, "chmod 600 "+path, "others may read %s (mode %04o)", path, info.Mode().Perm())}
	}
	valid, sensors, soon := 0, 0, []string(nil)
	for i := range list {
		o := &list[i]
		if o.State(p.now) != "" {
			continue
		}
		valid++
		if o.Role == people.Sensor {
			sensors++
		}
		if !o.Expires.IsZero() && o.Expires.Sub(p.now) < expirySoon {
			soon = append(soon, o.Name)
		}
	}
	text := output.Count(valid, "is valid", "are valid")
	switch {
	case valid == 0:
		return []symptom{says(doubtful, "'tocsin token create --role sensor' makes one", "none is valid: nobody can send or ask")}
	case len(soon) > 0:
		return []symptom{says(doubtful, "make new ones for them", "%s; soon to expire: %s", text, strings.Join(soon, ", "))}
	case sensors == 0:
		return []symptom{says(fine, "", "%s, none of them a sensor's", text)}
	}
	return []symptom{says(fine, "", "%s", text)}
}

// restoreIt is what to do about what is damaged.
const restoreIt = "the rest can still be read; 'tocsin restore' brings back a backup"

// part returns the folder of a part of memory; false, with what to say, when it
// cannot be looked at.
func (p *patient) part(name string) (dir string, instead []symptom) {
	if p.holder != "" {
		return "", p.inUse()
	}
	dir = filepath.Join(p.data, node.MemoryFolder, name)
	if _, err := os.Stat(dir); err != nil {
		return "", []symptom{says(fine, "", "nothing was remembered yet")}
	}
	return dir, nil
}

// verifiedBytes is how much of the journal is read: a second's worth.
const verifiedBytes = 256 << 20

func checkJournal(_ context.Context, p *patient) []symptom {
	dir, instead := p.part(memory.JournalFolder)
	if instead != nil {
		return instead
	}
	v, err := journal.Verify(dir, verifiedBytes)
	if err != nil {
		return []symptom{says(failed, restoreIt, "%v", err)}
	}
	return []symptom{says(fine, "", "%s, %s in the newest of them are whole", output.Count(v.Segments, "file", "files"), output.Count(v.Entries, "entry", "entries"))}
}

func checkLedger(_ context.Context, p *patient) []symptom {
	dir, instead := p.part(memory.LedgerFolder)
	if instead != nil {
		return instead
	}
	entries, err := ledger.Verify(dir, ledger.Config{})
	if err != nil {
		return []symptom{says(failed, restoreIt, "%v", err)}
	}
	return []symptom{says(fine, "", "opens, with about %s", output.Count(entries, "entry", "entries"))}
}

func checkArchive(_ context.Context, p *patient) []symptom {
	dir, instead := p.part(memory.ArchiveFolder)
	if instead != nil {
		return instead
	}
	v, err := archive.Verify(dir)
	if err != nil {
		return []symptom{says(failed, restoreIt, "%v", err)}
	}
	return []symptom{says(fine, "", "%s with %s, %s", output.Count(v.Segments, "segment", "segments"), output.Count(v.Events, "event", "events"), output.ByteSize(uint64(v.Bytes)))}
}
