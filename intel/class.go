package intel

import (
	"slices"
	"strings"
)

// LogSource says which events are meant, in Sigma's words (Sigma rules
// specification 2.1, "LogSource"); an empty part means any.
type LogSource struct{ Product, Category, Service string }

// String returns the parts that are set, as "product=windows category=file_event".
func (l LogSource) String() string {
	text := ""
	for _, part := range [...]struct{ key, value string }{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if part.value == "" {
			continue
		}
		if text != "" {
			text += " "
		}
		text += part.key + "=" + part.value
	}
	return text
}

// Class describes events that are alike: they come from the same log source,
// share some constant fields, and name their fields the same way. Telemetry
// gives every event its class; rules are compiled once for each class. A Class
// must not change once used; its identity is its pointer.
type Class struct {
	Product    string
	Service    string
	Categories []string
	// Also are further log sources that every event of the class belongs to:
	// a line of sshd in a Linux system log is service sshd and service syslog.
	Also []LogSource
	// Constants are fields that have this one value in every event of the
	// class (its channel and event ID), so that tests of them are decided when
	// rules are compiled. They must be true of every such event: they are an
	// optimisation, never a filter. Keys are names as records have them.
	Constants map[string]string
	// Names says under which names a field of a rule may stand in a record of
	// this class. The first name present in the record is the field; the names
	// after it are not looked at. It must be safe for concurrent use and always
	// answer the same. When nil, a field stands under its own name only.
	Names func(field string) []string
}

// Takes reports whether events of the class are what the log source asks for:
// every part that the log source names must be the class's, or every part that
// of one of the further log sources.
func (c *Class) Takes(l LogSource) bool {
	if (l.Product == "" || l.Product == c.Product) &&
		(l.Service == "" || l.Service == c.Service) &&
		(l.Category == "" || slices.Contains(c.Categories, l.Category)) {
		return true
	}
	return slices.ContainsFunc(c.Also, func(also LogSource) bool {
		return (l.Product == "" || l.Product == also.Product) &&
			(l.Service == "" || l.Service == also.Service) &&
			(l.Category == "" || l.Category == also.Category)
	})
}

// FieldNames returns where a rule's field may stand in a record of the class,
// in order of preference. A name that is written with blanks may stand without:
// records' names have none.
func (c *Class) FieldNames(field string) []string {
	names := []string{field}
	if c.Names != nil {
		names = c.Names(field)
	}
	for _, name := range names {
		if strings.Contains(name, " ") {
			names = append(slices.Clip(names), strings.ReplaceAll(name, " ", ""))
		}
	}
	return names
}
