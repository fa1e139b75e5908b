package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/internal/disk"
	"tocsin/internal/output"
	"tocsin/internal/settings"
)

// checkConfiguration reads the configuration as "up" would.
func checkConfiguration(_ context.Context, p *patient) []symptom {
	if p.broken != nil {
		return []symptom{says(failed, "mend the file; 'tocsin config check FILE' says when it is right", "%v", p.broken)}
	}
	if err := p.config.check(p.data); err != nil {
		return []symptom{says(failed, "a node does not start with it: mend it", "%v", err)}
	}
	if p.config.file == "" {
		return []symptom{says(fine, "", "no file; defaults")}
	}
	return []symptom{says(fine, "", "%s, %s", p.config.file, output.Count(len(p.config.origins), "setting", "settings"))}
}

// othersMayWrite and othersMayRead are permissions of everybody else.
const (
	othersMayWrite fs.FileMode = 0o022
	othersMayRead  fs.FileMode = 0o044
)

// checkDirectory looks at who may use the data directory, and what format it is
// in.
func checkDirectory(_ context.Context, p *patient) []symptom {
	if p.absent {
		return []symptom{says(doubtful, "the first start makes it; or name another by --data", "there is none at %s yet", p.data)}
	}
	if p.closed != nil {
		return []symptom{says(failed, "run as the user that runs the node, or give the data directory to it", "%v", p.closed)}
	}
	info, err := os.Stat(p.data)
	if err != nil {
		return []symptom{says(failed, "", "%v", err)}
	}
	format, err := p.layout(nil).Check(p.data)
	if err != nil {
		return []symptom{says(failed, "", "%v", err)}
	}
	var found []symptom
	switch mode := info.Mode().Perm(); {
	case mode&othersMayWrite != 0:
		found = append(found, says(failed, "chmod 700 "+p.data, "others may write into %s (mode %04o)", p.data, mode))
	case mode&othersMayRead != 0:
		found = append(found, says(doubtful, "chmod 700 "+p.data, "others may list %s (mode %04o)", p.data, mode))
	}
	if p.holder != "" {
		return append(found, says(fine, "", "%s, format %d, in use by %s", p.data, format.Version, p.holder))
	}
	probe, err := os.CreateTemp(p.data, ".probe-")
	if err != nil {
		return append(found, says(failed, "make it writable for the user that runs tocsin", "%v", err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return append(found, says(failed, "", "%v", err))
	}
	return append(found, says(fine, "", "%s, format %d, not in use", p.data, max(format.Version, 1)))
}

// littleFree is when it is time to make room: a busy site fills as much in hours.
const littleFree = 10 << 30

func checkSpace(_ context.Context, p *patient) []symptom {
	at := p.data
	if p.absent {
		at = nearest(p.data)
	}
	u, err := disk.Of(at)
	if err != nil {
		return []symptom{says(unchecked, "", "%v", err)}
	}
	text := output.ByteSize(u.Free) + " of " + output.ByteSize(u.Total) + " are free"
	switch {
	case u.Free < p.config.Memory.FreeBytes:
		return []symptom{says(failed, "make room, or lower memory.events and memory.observables", "%s: a node takes nothing in below %s", text, output.ByteSize(p.config.Memory.FreeBytes))}
	case u.Free < littleFree:
		return []symptom{says(doubtful, "make room, or lower memory.events and memory.observables", "%s", text)}
	}
	return []symptom{says(fine, "", "%s", text)}
}

// nearest is the folder above a path that is there.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

const (
	// slowSync is where a disk makes senders wait: a request is acknowledged once
	// it is on disk, and a turning disk takes some 10 ms.
	slowSync = 30 * time.Millisecond
	// hopelessSync is a disk on which a node does not keep up.
	hopelessSync = 500 * time.Millisecond
)

func checkDisk(_ context.Context, p *patient) []symptom {
	if p.absent || p.closed != nil {
		return []symptom{says(unchecked, "", "there is no data directory that could be written to")}
	}
	took, err := disk.SyncTime(p.data)
	switch {
	case err != nil:
		return []symptom{says(failed, "", "%v", err)}
	case took > hopelessSync:
		return []symptom{says(failed, "put the data directory on a faster or a local disk", "a write takes %s to be on disk", took.Round(time.Millisecond))}
	case took > slowSync:
		return []symptom{says(doubtful, "put the data directory on a faster or a local disk", "a write takes %s to be on disk: senders wait for it", took.Round(time.Millisecond))}
	}
	return []symptom{says(fine, "", "a write is on disk after %s", took.Round(10*time.Microsecond))}
}

// dialWithin is how long a port, or a server, may take to answer.
const dialWithin = 3 * time.Second

// checkAddresses looks at every address that a node listens on: whether it is
// free, or the running node answers there; and who reaches it.
func checkAddresses(ctx context.Context, p *patient) []symptom {
	in, _, err := p.config.intake(p.data)
	if err != nil {
		return []symptom{says(unchecked, "", "the configuration is wrong")}
	}
	var found []symptom
	for _, l := range in.Listeners() {
		text := l.Use + " on " + l.Address
		if l.Open && !l.Encrypted {
			found = append(found, says(doubtful, "encrypt it, or listen on 127.0.0.1", "%s is reached by other machines without encryption", text))
		}
		switch {
		case l.UDP && p.holder != "":
			found = append(found, says(unchecked, "", "%s: datagrams are not answered", text))
		case p.holder != "":
			found = append(found, answers(ctx, text, l.Address))
		default:
			found = append(found, isFree(ctx, text, l.Address, l.UDP))
		}
	}
	return found
}

func answers(ctx context.Context, text, address string) symptom {
	conn, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "tcp", reachable(address))
	if err != nil {
		return says(doubtful, "does the node run with another configuration? Name it by --config", "%s does not answer: %v", text, err)
	}
	_ = conn.Close()
	return says(fine, "", "%s answers", text)
}

// reachable is an address to connect to, for one that listens everywhere.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func isFree(ctx context.Context, text, address string, udp bool) symptom {
	var config net.ListenConfig
	var err error
	if udp {
		var c net.PacketConn
		if c, err = config.ListenPacket(ctx, "udp", address); err == nil {
			err = c.Close()
		}
	} else {
		var l net.Listener
		if l, err = config.Listen(ctx, "tcp", address); err == nil {
			err = l.Close()
		}
	}
	if err != nil {
		return says(failed, "end what has the port, choose another, or run with the right to use it", "%s cannot be listened on: %v", text, err)
	}
	return says(fine, "", "%s is free", text)
}

// links are the servers that the configuration names and that say what time it is
// there: those that speak HTTPS.
func (p *patient) links() []string {
	if len(p.config.TLS.ACME.Hosts) == 0 {
		return nil
	}
	return []string{p.config.TLS.ACME.Directory}
}

// serverTime asks a server what time it is there, to the second.
func serverTime(ctx context.Context, address string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return time.Time{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	_ = response.Body.Close()
	return http.ParseTime(response.Header.Get("Date"))
}

// linkName is a link as it may be shown.
func linkName(address string) string {
	return strings.TrimSuffix(settings.WithoutPassword(address), "/")
}
