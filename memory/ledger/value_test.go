package ledger_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

var anyKey = ledger.Key(intel.Domain, []byte("example.com"))

// values draws what several batches may have of one observable.
func values(t *rapid.T) [][]byte {
	second := rapid.Uint32Range(0, 400*86400)
	host := rapid.Uint32Range(1, 60)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
		hosts := rapid.SliceOfN(host, 0, 20).Draw(t, "hosts")
		seconds := rapid.SliceOfN(second, 0, 12).Draw(t, "seconds")
		undated := rapid.Uint64Range(0, 3).Draw(t, "undated")
		return ledger.Encoded(hosts, seconds, undated)
	}), 1, 12).Draw(t, "values")
}

// grouped merges values in a tree that is drawn.
func grouped(t *rapid.T, values [][]byte) []byte {
	values = append([][]byte(nil), values...)
	for len(values) > 1 {
		i := rapid.IntRange(0, len(values)-2).Draw(t, "group")
		sum, err := ledger.Merge(anyKey, values[i], values[i+1])
		if err != nil {
			t.Fatal(err)
		}
		values = append(values[:i], values[i+1:]...)
		values[i] = sum
	}
	sum, err := ledger.Reencoded(values[0])
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestMergeIsTheSameInAnyOrderAndGrouping(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := values(t)
		want, err := ledger.Merge(anyKey, all...)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		if got := grouped(t, shuffled); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

func TestValueHasOneEncoding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, v := range values(t) {
			got, err := ledger.Reencoded(v)
			if err != nil || !bytes.Equal(got, v) {
				t.Fatalf("%x is written again as %x: %v", v, got, err)
			}
		}
	})
}

func TestHostsAreExactThenEstimated(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 15, 16, 17, 100, 1000, 20_000, 1_000_000} {
		hosts := make([]uint32, n)
		for i := range hosts {
			hosts[i] = uint32(i)*2654435761 + 1
		}
		got, estimated := ledger.HostNumber(ledger.Encoded(hosts, nil, 1))
		if estimated != (n > ledger.HostsExact) {
			t.Errorf("%d hosts: estimated is %t", n, estimated)
		}
		// Three standard errors of 1.04/√128.
		if off := math.Abs(float64(got) - float64(n)); off > 0.28*float64(n) || (!estimated && off > 0) {
			t.Errorf("%d hosts are counted as %d", n, got)
		}
	}
}

func FuzzValue(f *testing.F) {
	f.Add(ledger.Encoded([]uint32{1, 2, 3}, []uint32{1, 86400 * 3, 86400 * 9}, 0))
	f.Add(ledger.Encoded(nil, []uint32{5}, 2))
	f.Add(ledger.Encoded([]uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, []uint32{0, 86400, 2 * 86400}, 0))
	f.Add(ledger.Encoded(nil, []uint32{0, 86400, 40 * 86400, 4000 * 86400}, 0))
	f.Fuzz(func(t *testing.T, value []byte) {
		once, err := ledger.Reencoded(value)
		if err != nil {
			return
		}
		twice, err := ledger.Reencoded(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x, then %x: %v", once, twice, err)
		}
		if _, err := ledger.Merge(anyKey, value, once, value); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, value := range []string{
		"192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "example.com", ".", "a..b", "user@example.com", "@", "https://u:p@example.com:8443/a?b#c", "example.com:443",
		"http://[::1]/", "http://1.2.3.4", "://", "d41d8cd98f00b204e9800998ecf8427e", "cmd.exe", "http://a/" + string(make([]byte, 300)), "-://x/",
	} {
		for _, kind := range []intel.ObservableKind{intel.IPAddress, intel.Domain, intel.URL, intel.EmailAddress, intel.MD5, intel.FileName} {
			f.Add(uint8(kind), []byte(value))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, value []byte) {
		key := ledger.Key(intel.ObservableKind(kind), value)
		if len(key) > 2048 {
			t.Fatalf("a key of %d bytes", len(key))
		}
		if o, ok := ledger.Observable(key); ok && (uint8(o.Kind) != kind || o.Value != string(value)) {
			t.Fatalf("%d %q comes back as %d %q", kind, value, o.Kind, o.Value)
		}
	})
}
