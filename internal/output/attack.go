package output

import (
	_ "embed" // the table of techniques
	"slices"
	"strings"
	"sync"
)

// Tactic is a column of the ATT&CK matrix: what an attacker wants to reach.
type Tactic struct {
	Key  string // as rules tag it, "lateral-movement"
	Name string
}

// tactics are those of ATT&CK for Enterprise v18, in the order of its matrix.
var tactics = [...]Tactic{
	{"reconnaissance", "Reconnaissance"},
	{"resource-development", "Resource Development"},
	{"initial-access", "Initial Access"},
	{"execution", "Execution"},
	{"persistence", "Persistence"},
	{"privilege-escalation", "Privilege Escalation"},
	{"defense-evasion", "Defense Evasion"},
	{"credential-access", "Credential Access"},
	{"discovery", "Discovery"},
	{"lateral-movement", "Lateral Movement"},
	{"collection", "Collection"},
	{"command-and-control", "Command and Control"},
	{"exfiltration", "Exfiltration"},
	{"impact", "Impact"},
}

// Tactics returns the fourteen tactics of ATT&CK for Enterprise v18, in the
// order of its matrix.
func Tactics() []Tactic { return slices.Clone(tactics[:]) }

// Technique is a row of the ATT&CK matrix: how an attacker does it.
type Technique struct {
	ID      string   // "T1059.001"
	Name    string   // empty when the table does not know the ID
	Tactics []string // keys, in the order of the source
}

// String returns the ID and, where known, the name.
func (t Technique) String() string {
	if t.Name == "" {
		return t.ID
	}
	return t.ID + " " + t.Name
}

//go:embed attack.tsv
var attackTable string

// techniques is read on first use: most runs of the program never ask.
var techniques = sync.OnceValue(func() map[string]Technique {
	known := map[string]Technique{}
	for line := range strings.Lines(attackTable) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(columns) != 3 {
			continue // the comment at the top
		}
		known[columns[0]] = Technique{ID: columns[0], Name: columns[1], Tactics: strings.Fields(columns[2])}
	}
	return known
})

// TaggedTechniques returns the techniques that a rule's tags name
// ("attack.t1059.001"), each once, in the order of the tags. One the table does
// not know has no name and the tactics of the other tags.
func TaggedTechniques(tags []string) []Technique {
	tagged := taggedTactics(tags)
	var found []Technique
	for _, tag := range tags {
		id, ok := techniqueID(tag)
		if !ok || slices.ContainsFunc(found, func(t Technique) bool { return t.ID == id }) {
			continue
		}
		technique, ok := techniques()[id]
		if !ok {
			technique = Technique{ID: id}
		}
		technique.Tactics = meantTactics(technique.Tactics, tagged)
		found = append(found, technique)
	}
	return found
}

// meantTactics narrows the tactics that a technique may serve to those that the
// rule is about, where the rule says.
func meantTactics(possible, tagged []string) []string {
	var both []string
	for _, t := range possible {
		if slices.Contains(tagged, t) {
			both = append(both, t)
		}
	}
	switch {
	case len(both) > 0:
		return both
	case len(possible) > 0:
		return possible
	}
	return tagged
}

// techniqueID reads "attack.t1059.001" as "T1059.001".
func techniqueID(tag string) (string, bool) {
	id, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t")
	if !ok || id == "" || strings.Trim(id, "0123456789.") != "" {
		return "", false
	}
	return "T" + id, true
}

// taggedTactics returns the keys of the tactics that tags name.
func taggedTactics(tags []string) []string {
	var found []string
	for _, tag := range tags {
		key, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok {
			continue
		}
		key = strings.ReplaceAll(key, "_", "-") // as rules wrote it until 2024
		switch key {
		case "stealth", "defense-impairment": // what v19 made of it
			key = "defense-evasion"
		}
		known := slices.ContainsFunc(tactics[:], func(t Tactic) bool { return t.Key == key })
		if known && !slices.Contains(found, key) {
			found = append(found, key)
		}
	}
	return found
}
