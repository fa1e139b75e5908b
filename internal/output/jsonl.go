package output

import (
	"io"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/detect"
)

// JSONL writes one finding a line. The form is stable: keys are added, never
// renamed or removed.
//
//	time    when the event happened, RFC 3339 in UTC; null when the event does not say
//	level   critical, high, medium, low, informational or unrated
//	count   1, or what a correlation counted
//	rule    id, title, tags, author, license; "type": "correlation" for those
//	event   source, record, offset, host, channel, provider, event_id, product, category, service
//	fields  the values that matched, by field; a list where a field has several
//	group_by  of a correlation: the values that its events share
//	indicator  kind, value, source, family, tlp, confidence, action; "match" and
//	        "port" where the indicator has them; rule.type is "indicator"
//
// Texts are empty, never absent, when an event does not say.
type JSONL struct {
	w     io.Writer
	buf   []byte
	rules map[any][]byte // the "level" and "rule" parts, made once for each
}

// NewJSONL returns a writer of findings to w, which should be buffered.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: w, rules: map[any][]byte{}} }

// Finding writes one finding.
func (j *JSONL) Finding(f *detect.Finding) error {
	b := j.buf[:0]
	b = append(b, `{"time":`...)
	b = appendTime(b, f.Time)
	b = append(b, j.rule(f)...)
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, int64(max(f.Count, 1)), 10)
	b = appendEvent(b, f)
	b = append(b, `,"fields":`...)
	b = appendValues(b, f.Fields)
	if f.Correlation != nil {
		b = append(b, `,"group_by":`...)
		b = appendValues(b, f.GroupBy)
	}
	if f.Indicator != nil {
		b = appendIndicator(b, f)
	}
	b = append(b, "}\n"...)
	j.buf = b
	_, err := j.w.Write(b)
	return err
}

// rule returns the parts of a line that are the same for all findings of a rule.
func (j *JSONL) rule(f *detect.Finding) []byte {
	var key any = f.Rule
	if f.Correlation != nil {
		key = f.Correlation
	}
	if f.Indicator != nil { // there are too many to keep each one's
		return appendRule(nil, f)
	}
	if part, ok := j.rules[key]; ok {
		return part
	}
	b := appendRule(nil, f)
	j.rules[key] = b
	return b
}

func appendRule(b []byte, f *detect.Finding) []byte {
	m := f.Meta()
	b = appendPair(b, `,"level":`, m.Level.String())
	b = appendPair(b, `,"rule":{"id":`, m.ID)
	b = appendPair(b, `,"title":`, m.Title)
	if f.Correlation != nil {
		b = appendPair(b, `,"type":`, "correlation")
	}
	if f.Indicator != nil {
		b = appendPair(b, `,"type":`, "indicator")
	}
	b = append(b, `,"tags":[`...)
	for i, tag := range m.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, tag)
	}
	b = appendPair(b, `],"author":`, m.Author)
	b = appendPair(b, `,"license":`, m.License)
	return append(b, '}')
}

func appendEvent(b []byte, f *detect.Finding) []byte {
	b = appendPair(b, `,"event":{"source":`, f.Source)
	b = append(b, `,"record":`...)
	b = strconv.AppendUint(b, f.Record, 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, f.Offset, 10)
	b = appendPair(b, `,"host":`, f.Host)
	b = appendPair(b, `,"channel":`, f.Channel)
	b = appendPair(b, `,"provider":`, f.Provider)
	b = appendPair(b, `,"event_id":`, f.EventID)
	b = appendPair(b, `,"product":`, f.LogSource.Product)
	b = appendPair(b, `,"category":`, f.LogSource.Category)
	b = appendPair(b, `,"service":`, f.LogSource.Service)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// keywordField is the name under which values stand that a keyword found, when
// the finding does not say in which field.
const keywordField = "keywords"

func fieldName(v detect.Value) string {
	if v.Name == "" {
		return keywordField
	}
	return v.Name
}

// appendValues writes values as an object. A name that stands several times
// becomes a list, since JSON readers keep only one of two equal keys.
func appendValues(b []byte, values []detect.Value) []byte {
	b = append(b, '{')
	first := true
	for i, v := range values {
		same := func(o detect.Value) bool { return fieldName(o) == fieldName(v) }
		if slices.ContainsFunc(values[:i], same) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, fieldName(v)), ':')
		b = appendAlike(b, v, values[i+1:])
	}
	return append(b, '}')
}

// appendAlike writes a value, or a list of it and the later different ones of
// its name.
func appendAlike(b []byte, v detect.Value, later []detect.Value) []byte {
	written := []string{v.Value}
	for _, o := range later {
		if fieldName(o) == fieldName(v) && !slices.Contains(written, o.Value) {
			written = append(written, o.Value)
		}
	}
	if len(written) == 1 {
		return appendString(b, v.Value)
	}
	b = append(b, '[')
	for i, text := range written {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}

func appendPair(b []byte, key, text string) []byte {
	return appendString(append(b, key...), text)
}

// appendString writes a JSON string (RFC 8259 section 7). What a terminal could
// take for an order, or what would not show, is escaped also where JSON allows
// it bare; bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	bare := 0 // where what stands as it is begins
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r >= 0x7f && r != utf8.RuneError && unicode.IsGraphic(r) {
			i += size
			continue
		}
		b = appendEscape(append(b, text[bare:i]...), r)
		i += size
		bare = i
	}
	b = append(b, text[bare:]...)
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if r > 0xffff { // a surrogate pair
		r -= 0x10000
		b = appendUnit(b, 0xd800+r>>10)
		return appendUnit(b, 0xdc00+r&0x3ff)
	}
	return appendUnit(b, r)
}

func appendUnit(b []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
