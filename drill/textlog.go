package drill

import (
	"fmt"
	"slices"
	"time"
)

// The files of the day, but for the Windows events.
const (
	auditFile    = "linux/web01/audit.log"
	webSyslog    = "linux/web01/syslog.log"
	webAccess    = "linux/web01/access.log"
	proxySyslog  = "linux/proxy01/syslog.log"
	proxyAccess  = "linux/proxy01/access.log"
	zeekConn     = "zeek/conn.log"
	zeekDNS      = "zeek/dns.log"
	zeekHTTP     = "zeek/http.log"
	zeekSMBFiles = "zeek/smb_files.log"
	firewallFile = "firewall/firewall.csv"
)

// textLog is a file of lines, or of blocks of lines, each with its time.
type textLog struct {
	head, tail string
	blocks     []block
}

type block struct {
	at   time.Time
	text string
}

func newTextLogs() map[string]*textLog {
	logs := map[string]*textLog{firewallFile: {head: firewallHead}}
	for _, name := range []string{auditFile, webSyslog, webAccess, proxySyslog, proxyAccess} {
		logs[name] = &textLog{}
	}
	for name, schema := range zeekSchemas {
		logs[name] = schema.log()
	}
	return logs
}

// put writes a line, or several that belong together.
func (b *book) put(file string, at time.Time, format string, args ...any) {
	log := b.text[file]
	log.blocks = append(log.blocks, block{at, fmt.Sprintf(format, args...)})
}

func (l *textLog) render() []byte {
	slices.SortStableFunc(l.blocks, func(a, b block) int { return a.at.Compare(b.at) })
	text := []byte(l.head)
	for _, b := range l.blocks {
		text = append(append(text, b.text...), '\n')
	}
	return append(text, l.tail...)
}
