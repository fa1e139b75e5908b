package bus

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// part is a message as another program may publish it.
type part struct {
	jetstream.Msg
	header nats.Header
	data   []byte
}

func (p part) Headers() nats.Header { return p.header }
func (p part) Data() []byte         { return p.data }

// Whatever parts come in whatever order, every byte is handed on once, in
// order, and every part is acknowledged with what it is handed on in. Each two
// bytes of the input are a part: its number, and how many it says there are.
func FuzzJoin(f *testing.F) {
	f.Add([]byte{0, 0, 1, 3, 2, 3, 3, 3, 0, 0})
	f.Add([]byte{1, 3, 2, 3, 1, 2, 2, 2})
	f.Add([]byte{2, 2, 1, 2, 0, 0, 1, 1, 5, 3})
	f.Fuzz(func(t *testing.T, numbers []byte) {
		j := &joiner{}
		var in, out []byte
		came, left := 0, 0
		for i := 0; i+1 < len(numbers); i += 2 {
			header := nats.Header{}
			if numbers[i]+numbers[i+1] > 0 {
				header.Set(partHeader, strconv.Itoa(int(int8(numbers[i]))))
				header.Set(partsHeader, strconv.Itoa(int(numbers[i+1])*40))
			}
			if numbers[i] < 8 && numbers[i+1] < 8 {
				header.Set(partsHeader, strconv.Itoa(int(numbers[i+1])))
			}
			data := strconv.AppendInt(nil, int64(i), 10)
			in = append(in, data...)
			came++
			for _, d := range j.add(arrival{part{header: header, data: data}, &jetstream.MsgMetadata{}}) {
				out = append(out, d.Data...)
				left += len(d.arrivals)
			}
		}
		for _, p := range j.parts { // that wait for the rest
			out = append(out, p.Data()...)
			left++
		}
		if !bytes.Equal(in, out) || came != left {
			t.Errorf("%d parts of %q came, %d of %q left", came, in, left, out)
		}
	})
}
