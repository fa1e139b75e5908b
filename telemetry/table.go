package telemetry

import "tocsin/telemetry/csvlog"

// csvTable is the header of blocks of a table.
type csvTable struct {
	dialect csvlog.Dialect
	header  *csvlog.Header
	line    string // what header was made of; empty when it could not be read
}

// table reads the header line of a table, after which its records are cut.
// Without a header that can be read, every record is a problem.
func (s *splitter) table(head []byte) {
	dialect, _ := csvlog.Recognise(head)
	n := dialect.End(head, true)
	header, err := dialect.Header(head[:n])
	line := ""
	if err == nil {
		line = string(head[:n])
		s.skip(n)
		s.number++
	}
	s.header = csvTable{dialect, header, line}
	s.cut = func(data []byte, end bool) (int, uint64) {
		whole, records := 0, uint64(0)
		for whole < len(data) {
			n := dialect.End(data[whole:], end)
			if n == 0 {
				break
			}
			whole += n
			records++
		}
		return whole, records
	}
}

// tableBlock decodes a block of records.
func (d *Decoder) tableBlock(b *Block) error {
	table, _ := b.header.(csvTable)
	d.csv.Use(table.header)
	at, number := b.Offset, b.Number
	for rest := b.Data; len(rest) > 0; number++ {
		n := table.dialect.End(rest, true)
		record, begin := rest[:n], at
		rest, at = rest[n:], at+int64(n)
		if blank(record) {
			continue
		}
		if err := d.csv.Decode(record, d.begin(number, begin)); err != nil {
			d.problem(reasonOf(err), begin)
		} else if err := d.finish(); err != nil {
			return err
		}
	}
	return nil
}
