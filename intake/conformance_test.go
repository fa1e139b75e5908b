package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/intake"
	"tocsin/internal/testdata"
)

// shipped is how many events each real shipper has to deliver.
const shipped = 1000

// deliver lets a shipper send while the node refuses, then takes, and shows
// that every event came: the number in each is found once (or more often where
// the shipper itself may repeat).
func deliver(t *testing.T, s *station, name string, repeats bool) {
	t.Helper()
	eventually(t, "being refused", func() bool { return s.journal.refusals() > 0 })
	if got := len(s.journal.lines("")); got != 0 {
		t.Errorf("%d taken while the journal was full", got)
	}
	s.journal.fill(false)
	number := regexp.MustCompile(`tocsin event (\d+)`)
	seen := map[string]int{}
	deadline := time.Now().Add(40 * time.Second)
	for len(seen) < shipped && time.Now().Before(deadline) {
		clear(seen)
		for _, line := range s.journal.lines("") {
			if m := number.FindStringSubmatch(line); m != nil {
				seen[m[1]]++
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	doubled := 0
	for _, n := range seen {
		doubled += n - 1
	}
	t.Logf("%s: passed %d of %d events, %d doubled, refused %d times, sources %v", name, len(seen), shipped, doubled, s.journal.refusals(), s.journal.sources())
	if len(seen) != shipped || (doubled > 0 && !repeats) {
		t.Errorf("%d of %d events, %d doubled", len(seen), shipped, doubled)
	}
}

// start runs a program until the test ends, and shows what it said if the test
// failed.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, name, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		err := command.Wait()
		if t.Failed() {
			t.Logf("%s: %v\n%s", filepath.Base(name), err, said.Bytes())
		}
	})
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func numbered(format string) string {
	var b strings.Builder
	for i := range shipped {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

const lineFormat = "<34>Nov 25 10:00:00 host app[7]: tocsin event %d \"quoted\"\n"

func hostPort(t *testing.T, address string) (host, port string) {
	t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func TestConformanceRsyslogElasticsearch(t *testing.T) {
	rsyslogd := testdata.Peer(t, "rsyslogd")
	s := newStation(t, intake.Config{})
	s.journal.fill(true)
	_, port := hostPort(t, s.serve(t))
	rsyslog(t, rsyslogd, `module(load="omelasticsearch")
template(name="document" type="string" string="%$!all-json%")
ruleset(name="tocsin") {
	if strlen($.omes!status) > 0 then { # an answer: what was not kept comes back here
		if $.omes!status < 300 or $.omes!status == 400 then stop
	} else {
		set $!message = $msg;
	}
	action(type="omelasticsearch" server="127.0.0.1" serverport="`+port+`" searchIndex="rsyslog" searchType="_doc" bulkmode="on"
		uid="rsyslog" pwd="`+s.sensor+`" template="document" retryfailures="on" retryruleset="tocsin"
		action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="linkedList" queue.dequeueBatchSize="100")
}
call tocsin`)
	deliver(t, s, "rsyslog, omelasticsearch", false)
}

func TestConformanceRsyslogSyslogOverTLS(t *testing.T) {
	rsyslogd := testdata.Peer(t, "rsyslogd")
	cert, key := identity(t, "node")
	s := newStation(t, intake.Config{SyslogTLS: []string{"127.0.0.1:0"}, Cert: cert, Key: key})
	s.journal.fill(true)
	s.run(t)
	host, port := hostPort(t, s.address(t, "syslog over TLS"))
	rsyslog(t, rsyslogd, `action(type="omfwd" target="`+host+`" port="`+port+`" protocol="tcp" TCP_Framing="octet-counted" template="line"
		StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="anon" action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="linkedList")`)
	deliver(t, s, "rsyslog, syslog over TLS", false)
}

// rsyslog runs rsyslog with one action for what it reads of a file.
func rsyslog(t *testing.T, program, action string) {
	t.Helper()
	work := t.TempDir()
	config := file(t, "rsyslog.conf", `global(workDirectory="`+work+`" defaultNetstreamDriverCAFile="/etc/ssl/certs/ca-certificates.crt")
module(load="imfile")
input(type="imfile" file="`+file(t, "in.log", numbered(lineFormat))+`" tag="app:" readMode="0" freshStartTail="off")
template(name="event" type="list" option.json="on") { constant(value="{\"message\":\"") property(name="msg") constant(value="\"}") }
template(name="line" type="string" string="<%pri%>1 %timestamp:::date-rfc3339% host app - - - %msg%")
`+action+"\n")
	start(t, program, "-n", "-f", config, "-i", filepath.Join(work, "pid"))
}

func TestConformanceSyslogNGHTTP(t *testing.T) {
	program := testdata.Peer(t, "syslog-ng")
	s := newStation(t, intake.Config{})
	s.journal.fill(true)
	address := s.serve(t)
	syslogNG(t, program, `http(url("`+address+`/_bulk") method("POST") headers("Content-Type: application/x-ndjson", "Authorization: Bearer `+s.sensor+`")
		body("{\"create\":{\"_index\":\"syslog-ng\"}}\n$(format-json MESSAGE=$MESSAGE)") delimiter("\n") body-suffix("\n")
		batch-lines(100) batch-timeout(100) workers(2) timeout(10) retries(1000))`)
	deliver(t, s, "syslog-ng, http()", true)
}

func TestConformanceSyslogNGNetwork(t *testing.T) {
	program := testdata.Peer(t, "syslog-ng")
	s := newStation(t, intake.Config{SyslogTCP: []string{"127.0.0.1:0"}})
	s.journal.fill(true)
	s.run(t)
	host, port := hostPort(t, s.address(t, "syslog over TCP"))
	syslogNG(t, program, `syslog("`+host+`" port(`+port+`) transport("tcp"))`)
	deliver(t, s, "syslog-ng, syslog over TCP", false)
}

func syslogNG(t *testing.T, program, destination string) {
	t.Helper()
	work := t.TempDir()
	config := file(t, "syslog-ng.conf", `@version: 3.38
options { time-reopen(1); flush-lines(100); };
log { source { file("`+file(t, "in.log", numbered(lineFormat))+`" flags(no-parse) follow-freq(0.1)); }; destination { `+destination+`; }; flags(flow-control); };
`)
	start(t, program, "-F", "--no-caps", "-f", config, "-R", filepath.Join(work, "persist"), "-p", filepath.Join(work, "pid"), "-c", filepath.Join(work, "ctl"))
}

func TestConformanceOpenTelemetryExporter(t *testing.T) {
	node, modules := testdata.Node(t, "@opentelemetry/exporter-logs-otlp-proto")
	s := newStation(t, intake.Config{})
	s.journal.fill(true)
	address := s.serve(t)
	start(t, node, "-e", fmt.Sprintf(`
const {OTLPLogExporter} = require(%q + '/@opentelemetry/exporter-logs-otlp-proto');
const {LoggerProvider, BatchLogRecordProcessor} = require(%q + '/@opentelemetry/sdk-logs');
const exporter = new OTLPLogExporter({url: %q, headers: {Authorization: %q}, compression: 'gzip', timeoutMillis: 30000});
const options = {maxQueueSize: 10000, maxExportBatchSize: 100, scheduledDelayMillis: 50};
const provider = new LoggerProvider({processors: [new BatchLogRecordProcessor({exporter, ...options})]});
const logger = provider.getLogger('conformance');
for (let i = 0; i < %d; i++) logger.emit({severityNumber: 9, body: 'tocsin event ' + i, attributes: {n: i}});
provider.forceFlush().then(() => provider.shutdown()).catch(e => { console.error(e); process.exit(1); });
setTimeout(() => {}, 30000);
`, modules, modules, address+"/v1/logs", "Bearer "+s.sensor, shipped))
	deliver(t, s, "OpenTelemetry exporter, protobuf", false)
	for _, line := range s.journal.lines("") {
		if !json.Valid([]byte(line)) {
			t.Fatalf("not a line of JSON: %s", line)
		}
	}
}
