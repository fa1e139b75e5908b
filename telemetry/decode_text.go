package telemetry

import "tocsin/intel"

// syslogLine decodes a syslog line, and what its message is where that is a
// record of another format.
func (d *Decoder) syslogLine(line []byte, rec *intel.Record) error {
	if err := d.syslog.Decode(line, rec); err != nil {
		return err
	}
	if message, ok := rec.First(d.message); ok {
		d.line(message.Value, rec)
	}
	return nil
}

// textLine makes a line of no known format an event that only has a message.
func (d *Decoder) textLine(line []byte, rec *intel.Record) error {
	rec.Add(d.message, intel.Text, line)
	d.line(line, rec)
	return nil
}
