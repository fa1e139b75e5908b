package drill

import (
	"fmt"
	"strconv"
	"time"
)

// connect puts down a process's connection (Sysmon 3).
func (b *book) connect(at time.Time, m *machine, p process, address string, port int) {
	b.record(at, m, sysmonLog, 3,
		"UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user,
		"Protocol", "tcp", "Initiated", "true", "SourceIsIpv6", "false", "SourceIp", m.address, "SourceHostname", m.fqdn(),
		"SourcePort", strconv.Itoa(b.port()), "DestinationIsIpv6", "false", "DestinationIp", address, "DestinationPort", strconv.Itoa(port))
}

// create puts down a file that a process made (Sysmon 11).
func (b *book) create(at time.Time, m *machine, p process, file string) {
	b.record(at, m, sysmonLog, 11,
		"UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user,
		"TargetFilename", file, "CreationUtcTime", utc(at))
}

// set puts down a registry value that a process set (Sysmon 13).
func (b *book) set(at time.Time, m *machine, p process, key, value string) {
	b.record(at, m, sysmonLog, 13,
		"EventType", "SetValue", "UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user,
		"TargetObject", key, "Details", value)
}

// load puts down a library that a process loaded (Sysmon 7).
func (b *book) load(at time.Time, m *machine, p process, library string) {
	b.record(at, m, sysmonLog, 7,
		"UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user,
		"ImageLoaded", library, "Company", microsoft, "Signed", "true", "Signature", "Microsoft Windows", "SignatureStatus", "Valid", "Hashes", hashes(library))
}

// resolve puts down a name that a process asked for (Sysmon 22), and the same
// question as the sensor saw it. An empty answer: there is no such name.
func (b *book) resolve(at time.Time, m *machine, p process, name, answer string) {
	status, results := "0", "::ffff:"+answer+";"
	if answer == "" {
		status, results = "9003", "-" // DNS_ERROR_RCODE_NAME_ERROR
	}
	b.record(at, m, sysmonLog, 22,
		"UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user,
		"QueryName", name, "QueryStatus", status, "QueryResults", results)
	b.seenLookup(at, m.address, name, answer)
}

// port is a port that a client chose.
func (b *book) port() int { return 49152 + b.number()%16000 }

// session is a logon's number, as Windows writes it.
func (b *book) session() string { return fmt.Sprintf("0x%x", 0x40000+37*b.number()) }
