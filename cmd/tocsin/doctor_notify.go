package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/notify"
	"tocsin/internal/output"
	"tocsin/internal/store"
)

// notifyWithin is how long all servers and receivers together may take.
const notifyWithin = 2 * time.Minute

// checkMail asks whether the mail server lets the node in. It sends nothing.
func checkMail(ctx context.Context, p *patient) []symptom {
	m := p.config.Mail
	if m.Server == "" {
		return []symptom{says(unchecked, "set mail.server, so that who is on duty can be reached", "no mail server is configured: reminders are mailed to nobody")}
	}
	found := p.readableByOthers(m.PasswordFile)
	return append(found, p.probe(ctx, notify.ByMail)...)
}

// checkWebhooks asks whether the receivers of webhooks answer. It tells them
// nothing.
func checkWebhooks(ctx context.Context, p *patient) []symptom {
	if len(p.config.Webhooks) == 0 {
		return []symptom{says(fine, "", "none is configured")}
	}
	var found []symptom
	for i := range p.config.Webhooks {
		found = append(found, p.readableByOthers(p.config.Webhooks[i].SecretFile)...)
	}
	return append(found, p.probe(ctx, notify.ByWebhook)...)
}

// probe asks the servers of a channel.
func (p *patient) probe(ctx context.Context, channel notify.Channel) []symptom {
	config, err := p.config.told()
	if channel == notify.ByMail {
		config.Webhooks = nil
	} else {
		config.Mail = nil
	}
	var tell *notify.Notify
	if err == nil {
		tell, err = notify.New(nil, nil, config)
	}
	if err != nil {
		return []symptom{says(failed, "correct the setting", "%v", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	var found []symptom
	for _, f := range tell.Probe(ctx) {
		switch {
		case f.Err == nil && channel == notify.ByMail:
			found = append(found, says(fine, "", "%s lets us in; 'tocsin notify test --to ADDRESS' sends a mail", f.Name))
		case f.Err == nil:
			found = append(found, says(fine, "", "%s can be reached", f.Name))
		case channel == notify.ByMail:
			found = append(found, says(failed, "look at the settings below mail, or ask who runs the server", "%v", f.Err))
		default:
			found = append(found, says(failed, "look at its settings, or ask who runs the receiver", "%s: %v", f.Name, f.Err))
		}
	}
	return found
}

func (p *patient) readableByOthers(path string) []symptom {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // said where it is read
	}
	if mode := info.Mode().Perm(); mode&(othersMayRead|othersMayWrite) != 0 {
		return []symptom{says(failed, "chmod 600 "+path, "others may read %s (mode %04o)", path, mode)}
	}
	return nil
}

// checkMessages looks at what could not be sent.
func checkMessages(ctx context.Context, p *patient) []symptom {
	return p.withTables(ctx, func(db *store.DB) []symptom {
		if pending, err := db.Pending(ctx, databaseRooms()...); err != nil || len(pending) > 0 {
			return []symptom{says(unchecked, "", "the database is not as this version wants it")}
		}
		config, err := p.config.told()
		if err != nil {
			return []symptom{says(unchecked, "", "the configuration cannot be used")}
		}
		tell, err := notify.New(db, audit.New(db, time.Now), config)
		if err != nil {
			return []symptom{says(unchecked, "", "the configuration cannot be used")}
		}
		dead, err := tell.Count(ctx, notify.Dead)
		if err != nil {
			return []symptom{says(failed, p.mendDatabase(), "%v", err)}
		}
		disabled, err := tell.Disabled(ctx)
		if err != nil {
			return []symptom{says(failed, p.mendDatabase(), "%v", err)}
		}
		var found []symptom
		if dead > 0 {
			found = append(found, says(doubtful, "'tocsin notify list' shows them, 'tocsin notify retry --all' tries again", "%s could not be sent", output.Count(dead, "message", "messages")))
		}
		for _, d := range disabled {
			found = append(found, says(doubtful, fmt.Sprintf("'tocsin notify enable %s' when it is there again", d.Name), "webhook %s is told nothing more: %s", d.Name, d.Reason))
		}
		if len(found) == 0 {
			found = append(found, says(fine, "", "none is lost"))
		}
		return found
	})
}
