package cvss

import (
	"fmt"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"tocsin/internal/fault"
)

// MaxLength is the longest vector taken, in bytes: with every metric of 4.0 once it has
// fewer than 220.
const MaxLength = 512

// Vector is one judgement of a vulnerability. It does not change.
type Vector struct {
	version string
	text    string
	// The four are what the library makes of it; one is set.
	v2  *gocvss20.CVSS20
	v30 *gocvss30.CVSS30
	v31 *gocvss31.CVSS31
	v4  *gocvss40.CVSS40
}

// Parse reads a vector of any version, told by its prefix; one without is of version
// 2.0. What is no vector is a fault.Invalid.
func Parse(text string) (*Vector, error) {
	v := &Vector{text: text}
	if len(text) > MaxLength {
		return nil, fmt.Errorf("%w: a CVSS vector of %d bytes", fault.Invalid, len(text))
	}
	var err error
	switch prefix, _, _ := strings.Cut(text, "/"); prefix {
	case "CVSS:4.0":
		v.version = "4.0"
		v.v4, err = gocvss40.ParseVector(text)
	case "CVSS:3.1":
		v.version = "3.1"
		v.v31, err = gocvss31.ParseVector(text)
	case "CVSS:3.0":
		v.version = "3.0"
		v.v30, err = gocvss30.ParseVector(text)
	default:
		v.version = "2.0"
		v.v2, err = gocvss20.ParseVector(whole2(text))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the CVSS vector %q: %w", fault.Invalid, text, err)
	}
	return v, nil
}

// whole2 is a vector of 2.0 as the library wants it, in the order of the standard (§2.4)
// and with each group whole. What others write has neither; a metric that is left out
// was not judged. What cannot be sorted stays as it is, to be refused.
func whole2(text string) string {
	values := map[string]string{}
	for part := range strings.SplitSeq(text, "/") {
		name, _, _ := strings.Cut(part, ":")
		if values[name] != "" {
			return text
		}
		values[name] = part
	}
	found := 0
	var parts []string
	for i, group := range [][]string{{"AV", "AC", "Au", "C", "I", "A"}, {"E", "RL", "RC"}, environmental["2.0"]} {
		before := found
		var those []string
		for _, name := range group {
			part, ok := values[name]
			if ok {
				found++
			} else {
				part = name + ":ND"
			}
			those = append(those, part)
		}
		if i == 0 || found > before {
			parts = append(parts, those...)
		}
	}
	if found != len(values) {
		return text
	}
	return strings.Join(parts, "/")
}

// Version is "2.0", "3.0", "3.1" or "4.0".
func (v *Vector) Version() string { return v.version }

// String is the vector as it was given.
func (v *Vector) String() string { return v.text }

// Metric is the value of a metric by its short name ("AV"), "X" or "ND" of one that was
// not judged, and nothing of one that the version does not have.
func (v *Vector) Metric(name string) string {
	var value string
	var err error
	switch {
	case v.v4 != nil:
		value, err = v.v4.Get(name)
	case v.v31 != nil:
		value, err = v.v31.Get(name)
	case v.v30 != nil:
		value, err = v.v30.Get(name)
	default:
		value, err = v.v2.Get(name)
	}
	if err != nil {
		return ""
	}
	return value
}

// Has reports whether the vector says a metric, be it that it was not judged.
func (v *Vector) Has(name string) bool {
	return strings.HasPrefix(v.text, name+":") || strings.Contains(v.text, "/"+name+":")
}

// Base is the score of the base metrics alone, from 0.0 to 10.0 in tenths.
func (v *Vector) Base() float64 {
	switch {
	case v.v4 != nil:
		return score4(func(name string) string {
			switch name {
			case "E", "CR", "IR", "AR":
				return "X"
			}
			return v.Metric(name)
		})
	case v.v31 != nil:
		return v.v31.BaseScore()
	case v.v30 != nil:
		return v.v30.BaseScore()
	}
	return v.v2.BaseScore()
}

// Temporal is the score with what changes over time: temporal metrics in 2.0 and 3.x,
// threat metrics in 4.0.
func (v *Vector) Temporal() float64 {
	switch {
	case v.v4 != nil:
		return score4(func(name string) string {
			switch name {
			case "CR", "IR", "AR":
				return "X"
			}
			return v.Metric(name)
		})
	case v.v31 != nil:
		return v.v31.TemporalScore()
	case v.v30 != nil:
		return v.v30.TemporalScore()
	}
	return v.v2.TemporalScore()
}

// Environmental is the score with all metrics: of 4.0, the only score there is.
func (v *Vector) Environmental() float64 {
	switch {
	case v.v4 != nil:
		return score4(v.effective)
	case v.v31 != nil:
		return v.v31.EnvironmentalScore()
	case v.v30 != nil:
		return v.v30.EnvironmentalScore()
	}
	return v.v2.EnvironmentalScore()
}

// environmental are the metrics of that group, by version.
var environmental = map[string][]string{
	"2.0": {"CDP", "TD", "CR", "IR", "AR"},
	"3.0": {"CR", "IR", "AR", "MAV", "MAC", "MPR", "MUI", "MS", "MC", "MI", "MA"},
	"3.1": {"CR", "IR", "AR", "MAV", "MAC", "MPR", "MUI", "MS", "MC", "MI", "MA"},
}

// Score is the score that counts: the environmental one where such metrics were judged,
// else the temporal one, which is the base score where nothing of that kind was.
func (v *Vector) Score() float64 {
	if v.v4 != nil {
		return v.Environmental()
	}
	for _, name := range environmental[v.version] {
		if value := v.Metric(name); value != "X" && value != "ND" {
			return v.Environmental()
		}
	}
	return v.Temporal()
}

// Nomenclature is what 4.0 calls the groups that were judged: "CVSS-BTE" (§1.3).
// Nothing for other versions.
func (v *Vector) Nomenclature() string {
	if v.v4 == nil {
		return ""
	}
	return v.v4.Nomenclature()
}

// Severity is the word for a score (CVSS 3.1 §5, 4.0 §6): "NONE", "LOW", "MEDIUM", "HIGH"
// or "CRITICAL". CVSS 2.0 has no such words.
func Severity(score float64) string {
	switch {
	case score <= 0:
		return "NONE"
	case score < 4:
		return "LOW"
	case score < 7:
		return "MEDIUM"
	case score < 9:
		return "HIGH"
	}
	return "CRITICAL"
}
