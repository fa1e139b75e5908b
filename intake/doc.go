// Package intake takes in telemetry live: it listens, follows files, and turns
// what arrives into blocks of whole records, which it hands to the function it
// was given (Accept). Only what that function has accepted is acknowledged to
// its sender.
//
// Its words: a source is what records come from, as the node names it
// ("bulk/dc01/winlogbeat", "syslog/10.0.0.7", "file//var/log/auth.log"); it is
// registered by its first record and has a health. To refuse is to tell the
// sender to come again; to drop is to lose, which happens only where a sender
// cannot be told (UDP) and is counted by source and reason. What cannot be read
// is set aside, to be replayed after a fix.
//
// It decodes no event and knows nothing of what is made of one.
package intake
