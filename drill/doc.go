// Package drill makes the telemetry of things that never happened: one day at a
// company of forty machines, as its real shippers would have written it, and
// when asked an outbreak in it that behaves as WannaCry did on that day, 12 May
// 2017. People learn on it what the tools show, and tests learn whether rules
// tell the story and keep quiet on an ordinary day.
//
// The same seed makes the same bytes. The outbreak only adds to the day: every
// line of the ordinary day stands in the other too, but for the record numbers
// of the Windows event logs.
//
// There is nothing in here that runs: names, commands, hashes and log lines as
// public reports gave them, no code of any malware. Addresses on the internet
// are those reserved for documentation (RFC 5737), names end in .example (RFC
// 2606), except the few that belong to the facts.
package drill
