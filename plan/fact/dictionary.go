package fact

import (
	_ "embed" // dictionary.yaml
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"tocsin/internal/strict"
)

//go:embed dictionary.yaml
var builtin []byte

// Type is what kind of thing a fact is.
type Type string

// The types.
const (
	Number    Type = "number"    // a number of Definition.Unit
	Money     Type = "money"     // an amount with its currency
	Bool      Type = "bool"      // yes or no
	Enum      Type = "enum"      // one word of Definition.Values
	Set       Type = "set"       // several words of Definition.Values
	Codes     Type = "codes"     // several codes of a list that is not ours
	Text      Type = "text"      // words for a person, that no criterion asks for
	Time      Type = "time"      // a moment
	Judgement Type = "judgement" // one word of Definition.Values, with who judged it and why
)

var types = []Type{Number, Money, Bool, Enum, Set, Codes, Text, Time, Judgement}

// Title is a name in the languages of the interface. English is always there.
type Title struct {
	EN string `yaml:"en" json:"en"`
	ZH string `yaml:"zh" json:"zh,omitempty"`
}

// In returns the title in a language, in English where it has none.
func (t Title) In(language string) string {
	if language == "zh" && t.ZH != "" {
		return t.ZH
	}
	return t.EN
}

// Word is one value of an enum, a set or a judgement.
type Word struct {
	Code  string `yaml:"code" json:"code"`
	Title Title  `yaml:"title" json:"title"`
}

// Definition says what facts of one key are.
type Definition struct {
	Key   string `yaml:"key" json:"key"`
	Type  Type   `yaml:"type" json:"type"`
	Title Title  `yaml:"title" json:"title"`
	// Unit is of numbers: min, s, persons, %, …
	Unit string `yaml:"unit" json:"unit,omitempty"`
	// Grows says that the number is minutes that may still go on.
	Grows bool `yaml:"grows" json:"grows,omitempty"`
	// Max is the greatest number it can be; 0 when there is none. No number is
	// below 0.
	Max float64 `yaml:"max" json:"max,omitempty"`
	// Share says of which two facts it is the quotient; it is worked out from them
	// where nobody states it.
	Share  *Share `yaml:"share" json:"share,omitempty"`
	Values []Word `yaml:"values" json:"values,omitempty"`
	Note   string `yaml:"note" json:"note,omitempty"`
}

// Codes returns the codes of the values.
func (d *Definition) Codes() []string {
	codes := make([]string, len(d.Values))
	for i, v := range d.Values {
		codes[i] = v.Code
	}
	return codes
}

var (
	keyForm  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)
)

// Check says what is wrong with a definition, or nil.
func (d *Definition) Check() error {
	worded := d.Type == Enum || d.Type == Set || d.Type == Judgement
	switch {
	case len(d.Key) > maxCode || !keyForm.MatchString(d.Key):
		return fmt.Errorf("fact %q: write its key as outage.total_minutes", d.Key)
	case !slices.Contains(types, d.Type):
		return fmt.Errorf("fact %s: type %q is none of %v", d.Key, d.Type, types)
	case d.Title.EN == "":
		return fmt.Errorf("fact %s has no title.en", d.Key)
	case worded != (len(d.Values) > 0):
		return fmt.Errorf("fact %s: enum, set and judgement have values, nothing else has", d.Key)
	case (d.Type == Number) != (d.Unit != ""):
		return fmt.Errorf("fact %s: a number has a unit, nothing else has", d.Key)
	case d.Grows && (d.Type != Number || d.Unit != "min" || d.Max != 0):
		return fmt.Errorf("fact %s: only minutes without a max can grow", d.Key)
	case d.Max < 0 || d.Max > 0 && d.Type != Number:
		return fmt.Errorf("fact %s: max is of numbers, and above 0", d.Key)
	case d.Share != nil && (d.Unit != "%" || d.Max != 100):
		return fmt.Errorf("fact %s: a share is in %% with a max of 100", d.Key)
	}
	seen := map[string]bool{}
	for _, v := range d.Values {
		if !codeForm.MatchString(v.Code) || len(v.Code) > maxCode || seen[v.Code] || v.Title.EN == "" {
			return fmt.Errorf("fact %s: value %q: a code of letters, digits and _ . + -, given once, with a title.en", d.Key, v.Code)
		}
		seen[v.Code] = true
	}
	return nil
}

// Dictionary is the facts there are. It does not change once made.
type Dictionary struct {
	byKey map[string]*Definition
	keys  []string // in the order of definition
}

// Builtin returns the dictionary that comes with the program. An error is a
// mistake in it, which the program should not start with.
func Builtin() (*Dictionary, error) {
	var file struct {
		Facts []Definition `yaml:"facts"`
	}
	document, err := strict.Load("dictionary.yaml", builtin, &file)
	if err != nil {
		return nil, err
	}
	d := &Dictionary{byKey: map[string]*Definition{}}
	for i := range file.Facts {
		if err := d.add(&file.Facts[i]); err != nil {
			return nil, document.Problem(fmt.Sprintf("facts[%d]", i), "%s", err)
		}
	}
	if err := d.checkShares(); err != nil {
		return nil, document.Problem("facts", "%s", err)
	}
	return d, nil
}

// With returns a dictionary that knows more definitions too. A key may be
// defined again only in the same way.
func (d *Dictionary) With(more []Definition) (*Dictionary, error) {
	if len(more) == 0 {
		return d, nil
	}
	wider := &Dictionary{byKey: maps.Clone(d.byKey), keys: slices.Clone(d.keys)}
	for i := range more {
		if err := wider.add(&more[i]); err != nil {
			return nil, err
		}
	}
	return wider, wider.checkShares()
}

func (d *Dictionary) add(more *Definition) error {
	if err := more.Check(); err != nil {
		return err
	}
	if before := d.byKey[more.Key]; before != nil {
		if !reflect.DeepEqual(before, more) {
			return fmt.Errorf("fact %s is defined already, and otherwise", more.Key)
		}
		return nil
	}
	d.byKey[more.Key] = more
	d.keys = append(d.keys, more.Key)
	return nil
}

// Definition returns what is known of a key, or nil.
func (d *Dictionary) Definition(key string) *Definition { return d.byKey[key] }

// Keys returns every key, in the order of definition.
func (d *Dictionary) Keys() []string { return slices.Clone(d.keys) }
