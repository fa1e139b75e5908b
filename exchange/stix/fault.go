package stix

import "fmt"

// Level says how much a fault weighs.
type Level uint8

// The levels, by the words of the standard.
const (
	Must   Level = iota // what the standard says MUST: the object is not valid
	Should              // what it says SHOULD: the object is valid all the same
	Note                // no fault, but worth knowing: a type or property that nobody defined
)

var levels = [...]string{Must: "must", Should: "should", Note: "note"}

func (l Level) String() string { return levels[min(int(l), len(levels)-1)] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Fault is what is wrong with one value.
type Fault struct {
	// Path is where it is: "objects[3].external_references[0].hashes.MD5".
	Path   string
	Reason string
	Level  Level
	// Rule names the check, so that what is no MUST can be left out by name:
	// "vocabulary:identity-class-ov", "custom-prefix".
	Rule string
}

func (f Fault) String() string {
	if f.Path == "" {
		return f.Reason
	}
	return f.Path + ": " + f.Reason
}

// The names of checks that are no MUST.
const (
	ruleExtension    = "extensions-use" // a custom property or type without an extension (§11)
	rulePrefix       = "custom-prefix"  // its name without x_ or x- and who made it
	ruleSource       = "custom-prefix-source"
	ruleVersion      = "spec-version"       // an object of STIX 2.0 (§3.2)
	ruleObservables  = "observable-refs"    // a reference of an observable that is no id
	ruleProperty     = "unknown-property"   // a property that the standard does not define
	ruleType         = "unknown-type"       // a type that the standard does not define
	ruleVocabulary   = "vocabulary"         // a value outside an open vocabulary (§2.14)
	ruleForm         = "open-vocab-form"    // how such a value is written
	ruleKillChain    = "kill-chain-names"   // how names of phases are written (§2.11)
	ruleUUID         = "uuid-check"         // the version of a UUID (§2.9)
	ruleHash         = "hash-algo"          // an algorithm outside the vocabulary (§2.7)
	ruleRelation     = "relationship-types" // a relationship the standard does not suggest (§5.1)
	ruleDuplicate    = "duplicate-ids"      // one version of an object twice
	ruleReference    = "external-hashes"    // a URL without a hash (§2.5)
	ruleDescribed    = "descriptions"       // texts that should be there
	ruleDeprecated   = "deprecated"         // what the standard will take away
	ruleCountry      = "countries"          // a country that is no ISO 3166-1 code
	ruleMIME         = "mime-type"          // a media type that is none
	rulePorts        = "network-ports"      // one port without the other
	ruleNames        = "registered-names"   // names outside a registry: HTTP, IPFIX, sockets, PDF
	ruleProtocols    = "protocols"          // a protocol that IANA has not registered (§6.12)
	ruleKeys         = "dictionary-keys"    // how keys are written
	ruleProduct      = "product-name"       // how a product's name is written (§4.12)
	rulePriority     = "process-priority"   // (§6.13.2)
	ruleUnresolved   = "unresolved"         // a reference to what is not in the bundle
	ruleSeveralTLP   = "several-tlp"        // more than one level of TLP 1
	ruleMarkingTypes = "marking-types"      // a kind of marking that the standard does not define
)

// checker collects the faults of one document.
type checker struct {
	*tableModel
	faults []Fault
	known  map[string]bool // ids in the bundle; nil outside of one
}

// maxFaults bounds what is said of a document that is nothing but faults.
const maxFaults = 10_000

func (c *checker) add(f Fault) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, f)
	}
}

func (c *checker) must(path, format string, args ...any) {
	c.add(Fault{Path: path, Reason: fmt.Sprintf(format, args...)})
}

func (c *checker) should(rule, path, format string, args ...any) {
	c.add(Fault{Path: path, Reason: fmt.Sprintf(format, args...), Level: Should, Rule: rule})
}

func (c *checker) note(rule, path, format string, args ...any) {
	c.add(Fault{Path: path, Reason: fmt.Sprintf(format, args...), Level: Note, Rule: rule})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func shown(value any) string {
	const longest = 80
	text := fmt.Sprintf("%q", value)
	if s, ok := value.(string); !ok {
		text = fmt.Sprint(value)
	} else if len(s) > longest {
		text = fmt.Sprintf("%q…", s[:longest])
	}
	if len(text) > 2*longest {
		return text[:2*longest] + "…"
	}
	return text
}
