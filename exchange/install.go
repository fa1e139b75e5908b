package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"tocsin/knowledge"
)

// Install reads indicators and keeps them as a set, which replaces the one of
// that name; what cannot be read at all replaces nothing. It returns the set as
// it is kept, and what of it was passed over.
func Install(sets *knowledge.Indicators, set knowledge.IndicatorSet, r io.Reader, o IndicatorOptions, now time.Time) (knowledge.IndicatorSet, Reading, error) {
	sum := sha256.New()
	p, reading, err := ReadIndicators(io.TeeReader(r, sum), o)
	if err != nil {
		return set, reading, err
	}
	set.SHA256, set.Passed = hex.EncodeToString(sum.Sum(nil)), reading.PassedOver()
	set, err = sets.Add(set, p, now)
	return set, reading, err
}
