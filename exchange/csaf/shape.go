package csaf

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed tables.txt
var tables string

//go:embed cvss.txt
var cvssTables string

// shape is what an object holds.
type shape struct {
	name       string
	fields     map[string]*field
	required   []string
	some, most int
	closed     bool // other names make it invalid
}

type field struct {
	name string
	value
}

// value is what stands under a name: a text of a form or of a choice, a scalar of
// another kind, an object, or a list.
type value struct {
	kind    kind
	word    string // the name of the form or object
	form    func(string, Version) bool
	choices []string
	object  *shape
	item    *value
	least   int
	unique  bool
}

// shapes are the objects of a version, by name.
func shapes(v Version) map[string]*shape {
	if v == V20 {
		return shapesOf20()
	}
	return shapesOf21()
}

var (
	shapesOf20 = sync.OnceValue(func() map[string]*shape { return readShapes(V20) })
	shapesOf21 = sync.OnceValue(func() map[string]*shape { return readShapes(V21) })
)

// applies strips the mark of a version and reports whether it is this one.
func applies(word string, v Version) (string, bool) {
	switch {
	case strings.HasPrefix(word, "-"):
		return word[1:], v == V20
	case strings.HasPrefix(word, "+"):
		return word[1:], v == V21
	}
	return word, true
}

// readShapes reads the tables. They are ours: what is wrong in them panics in every test.
func readShapes(v Version) map[string]*shape {
	all := map[string]*shape{}
	var here *shape
	for line := range strings.Lines(tables) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0, words[0] == "#":
		case words[0] == "object":
			here = &shape{name: words[1], fields: map[string]*field{}, closed: v == V21}
			for i := 2; i+1 < len(words); i += 2 {
				n, _ := strconv.Atoi(words[i+1])
				if words[i] == "some" {
					here.some = n
				} else {
					here.most = n
				}
			}
			all[here.name] = here
		default:
			if name, ok := applies(words[0], v); ok {
				here.add(name, readValue(words[1], v))
			}
		}
	}
	readCVSS(all, v)
	for _, s := range all {
		for _, f := range s.fields {
			f.resolve(all)
		}
	}
	return all
}

func (s *shape) add(name string, v value) {
	name, required := strings.CutSuffix(name, "!")
	if required {
		s.required = append(s.required, name)
	}
	s.fields[name] = &field{name: name, value: v}
}

func readValue(word string, v Version) value {
	if word[0] == '[' || word[0] == '{' {
		inner := word[1 : len(word)-1]
		list := value{kind: array, word: word, least: 1, unique: word[0] == '{'}
		if n, rest, found := strings.Cut(inner, ":"); found {
			list.least, _ = strconv.Atoi(n)
			inner = rest
		}
		item := readValue(inner, v)
		list.item = &item
		return list
	}
	switch word {
	case "anyobject":
		return value{kind: object, word: word}
	case "flagvalue":
		return value{kind: boolean, word: word}
	case "score":
	case "pid", "gid":
		return value{kind: text, word: word, form: forms["text"]}
	}
	if form := forms[word]; form != nil {
		return value{kind: text, word: word, form: form}
	}
	if strings.ContainsAny(word, "|.") {
		choice := value{kind: text, word: word}
		for one := range strings.SplitSeq(word, "|") {
			if one, ok := applies(one, v); ok {
				choice.choices = append(choice.choices, one)
			}
		}
		return choice
	}
	return value{kind: object, word: word}
}

// resolve finds the object that a value names.
func (v *value) resolve(all map[string]*shape) {
	if v.item != nil {
		v.item.resolve(all)
	}
	if v.kind != object || v.word == "anyobject" {
		return
	}
	v.object = all[v.word]
	if v.object == nil {
		panic("tables.txt: nothing is called " + v.word)
	}
}

// property is one property of a CVSS object.
type property struct {
	name, metric string
	letters      map[string]string // of the words
}

// cvssProperties are the properties by version: "2.0", "3" and "4.0".
var cvssProperties = sync.OnceValue(func() map[string][]property {
	all := map[string][]property{}
	here := ""
	for line := range strings.Lines(cvssTables) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0, words[0] == "#":
		case words[0] == "version":
			here = words[1]
		default:
			p := property{name: words[0], metric: words[1], letters: map[string]string{}}
			for _, pair := range words[2:] {
				word, letter, _ := strings.Cut(pair, "=")
				p.letters[word] = letter
			}
			all[here] = append(all[here], p)
		}
	}
	return all
})

// readCVSS makes the objects of CVSS of their tables.
func readCVSS(all map[string]*shape, v Version) {
	severities := []string{"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	for _, kind := range []struct {
		name, table string
		versions    []string
		scores      []string
		severe      bool
	}{
		{"cvss2", "2.0", []string{"2.0"}, []string{"baseScore!", "temporalScore", "environmentalScore"}, false},
		{"cvss3", "3", []string{"3.0", "3.1"}, []string{"baseScore!", "temporalScore", "environmentalScore"}, true},
		{"cvss4", "4.0", []string{"4.0"}, []string{"baseScore!"}, true},
	} {
		s := &shape{name: kind.name, fields: map[string]*field{}, closed: v == V21 && kind.name == "cvss4"}
		s.add("version!", value{kind: text, choices: kind.versions})
		s.add("vectorString!", value{kind: text, word: kind.name, form: vectorForm(kind.table)})
		for _, score := range kind.scores {
			s.add(score, value{kind: number, word: "score"})
			if kind.severe {
				s.add(strings.Replace(score, "Score", "Severity", 1), value{kind: text, choices: severities})
			}
		}
		for _, p := range cvssProperties()[kind.table] {
			var words []string
			for word := range p.letters {
				words = append(words, word)
			}
			slices.Sort(words)
			s.add(p.name, value{kind: text, choices: words})
		}
		all[s.name] = s
	}
}

// vectorForm is a vector whose every metric and value exists. Which metrics must be there
// is asked where scores are computed (§6.1.9).
func vectorForm(table string) func(string, Version) bool {
	known := map[string]bool{}
	for _, p := range cvssProperties()[table] {
		for _, letter := range p.letters {
			known[p.metric+":"+letter] = true
		}
	}
	return func(s string, _ Version) bool {
		if table != "2.0" {
			prefix, rest, _ := strings.Cut(s, "/")
			if table == "4.0" && prefix != "CVSS:4.0" || table == "3" && prefix != "CVSS:3.0" && prefix != "CVSS:3.1" {
				return false
			}
			s = rest
		}
		for part := range strings.SplitSeq(s, "/") {
			if !known[part] {
				return false
			}
		}
		return true
	}
}

func (v *value) String() string {
	switch {
	case v.choices != nil:
		return "one of " + strings.Join(v.choices, ", ")
	case v.word == "text", v.word == "pid", v.word == "gid":
		return "a text that is not empty"
	case v.kind == text:
		return "a text of the form " + v.word
	}
	return kinds[v.kind]
}
