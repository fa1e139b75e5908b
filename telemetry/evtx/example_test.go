package evtx_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

func Example() {
	c := newBuilder()
	c.event(
		event(&el{name: "EventData", children: []any{dataElement("Image", slot(0)), dataElement("ProcessId", slot(1))}}),
		text(`C:\Windows\System32\cmd.exe`), val{0x08, le(4, 4711)},
	)
	log := append(fileHeader(), c.chunk()...) // the content of a file

	r, err := evtx.NewReader(bytes.NewReader(log))
	if err != nil {
		fmt.Println(err)
		return
	}
	names := intel.NewNames(nil)
	d := evtx.NewDecoder(names)
	var fields intel.Record
	for {
		chunk, offset, err := r.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		d.Reset(chunk, offset)
		for {
			record, ok := d.Next(&fields)
			if !ok {
				break
			}
			fmt.Println("record", record.Number)
			for _, f := range fields.Fields {
				fmt.Printf("%s = %s\n", names.Text(f.Name), f.Value)
			}
		}
		for _, problem := range d.Problems() {
			fmt.Println(problem)
		}
	}
	// Output:
	// record 1
	// Event.EventData.Image = C:\Windows\System32\cmd.exe
	// Event.EventData.ProcessId = 4711
}
