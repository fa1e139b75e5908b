package taxii

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Record is one version of an object, as a collection holds it.
type Record struct {
	Added       time.Time // when it was added, in µs, as no other in the collection
	ID          string
	Type        string
	SpecVersion string // of STIX, 2.0 or 2.1
	// Version is what tells versions apart: modified, else created, as the object
	// writes it (§3.4.1); empty for an object that has neither, whose version is when
	// it was added.
	Version string
	Object  json.RawMessage // absent where it was not asked for
}

// VersionText returns the version as the protocol says it.
func (r *Record) VersionText() string {
	if r.Version == "" {
		return Moment(r.Added)
	}
	return r.Version
}

var (
	idForm   = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{1,248}[a-z0-9])--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)
)

// ParseTime reads a moment in UTC, with any number of digits of a second up to nine
// (STIX 2.1 §2.16). The error is fault.Invalid.
func ParseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !timeForm.MatchString(text) {
		return time.Time{}, fmt.Errorf("%.60q is no moment in UTC such as 2016-01-20T12:31:12.123Z: %w", text, fault.Invalid)
	}
	return t, nil
}

// NewRecord reads of an object what a collection keeps it by. The record, without
// Added, is filled as far as that goes also when there is an error (fault.Invalid),
// so that the answer can name the object.
func NewRecord(object json.RawMessage) (Record, error) {
	var head struct {
		ID          any `json:"id"`
		Type        any `json:"type"`
		SpecVersion any `json:"spec_version"`
		Created     any `json:"created"`
		Modified    any `json:"modified"`
	}
	r := Record{SpecVersion: "2.0", Object: object}
	if err := json.Unmarshal(object, &head); err != nil {
		return r, fmt.Errorf("it is no JSON object: %w", fault.Invalid)
	}
	var errs []error
	for _, p := range []struct {
		name  string
		value any
		into  *string
	}{{"id", head.ID, &r.ID}, {"type", head.Type, &r.Type}, {"spec_version", head.SpecVersion, &r.SpecVersion}, {"created", head.Created, &r.Version}, {"modified", head.Modified, &r.Version}} {
		text, ok := p.value.(string)
		switch {
		case ok:
			*p.into = text
		case p.value != nil:
			errs = append(errs, fmt.Errorf("%s: a text is expected", p.name))
		}
	}
	errs = append(errs, r.check())
	if err := errors.Join(errs...); err != nil {
		return r, fmt.Errorf("%s: %w", strings.ReplaceAll(err.Error(), "\n", "; "), fault.Invalid)
	}
	return r, nil
}

func (r *Record) check() error {
	form := idForm.FindStringSubmatch(r.ID)
	switch {
	case r.ID == "":
		return errors.New("id: it is required")
	case form == nil:
		return errors.New("id: a type, two hyphens and a UUID are expected")
	case r.Type != form[1]:
		return errors.New("type: it is not that of the id")
	case r.SpecVersion != "2.0" && r.SpecVersion != "2.1":
		return errors.New("spec_version: 2.0 or 2.1 is expected")
	}
	if r.Version != "" {
		if _, err := ParseTime(r.Version); err != nil {
			return errors.New("created or modified: it is no moment in UTC")
		}
	}
	return nil
}
