// Package auditd reads what the Linux audit system logs: the files of auditd,
// raw or enriched, what its dispatcher sends on, and the kernel's own lines
// when no auditd runs (audit-documentation, "SPEC Audit Event" and "field
// dictionary").
//
// One event is written as several records, each a line, which share a node, a
// time and a serial number. A Joiner puts the lines of an event together; a
// Decoder reads them, one or several, into one record:
//
//	decoder := auditd.NewDecoder(names)
//	joiner := auditd.NewJoiner(func(e auditd.Event) { err = decoder.Decode(e.Text, record) })
//	for number, line := range lines {
//		err = joiner.Add(line, uint64(number), offset)
//	}
//	joiner.Flush()
//
// Fields keep the names that audit gives them, and stand once for each record
// of the event that has them ("type" for every record, "name" for every path).
// Beside what is written there are
//
//	node, timestamp, serial  of the event; Stamp reads the time
//	SYSCALL                  the system call's name, as enriched logs have it
//	syscall                  the number as written, and the name once more
//	cmdline                  the arguments of EXECVE joined by blanks
//	seresult, seperms        what SELinux decided ("denied"), about which permissions
//	saddr_fam, laddr, lport, path   the address in a SOCKADDR
//
// Values that audit writes in hexadecimal because of unusual characters are
// decoded in the fields where its rules say so; the zero bytes between the
// arguments of a proctitle become blanks. "(null)" and "?" stay as written.
package auditd
