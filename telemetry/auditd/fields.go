package auditd

import (
	"bytes"

	"tocsin/intel"
)

// rule says what a key's value needs.
type rule uint8

const (
	asWritten   rule = iota
	encoded          // in hexadecimal when it is not quoted
	encodedList      // so too, and several with a byte 1 between them
	arguments        // so too, and several with a zero byte between them
	sentence         // may be several words without quotes
	nested           // records of user space: fields within the value
	archKey
	numberKey
	syscallKey // of enriched logs
	address
)

// ruleOf tells the rule of a key. Encoded are the fields that the audit
// specification calls untrusted ("SPEC Audit Event", "field dictionary").
func ruleOf(text string) rule {
	switch text {
	case "acct", "cmd", "comm", "cwd", "data", "device", "dir", "exe", "file", "invalid_context", "name", "new-disk", "new-fs",
		"new-chardev", "old-disk", "old-fs", "old-chardev", "ocomm", "path", "profile", "root_dir", "srcname", "sw", "vm", "watch":
		return encoded
	case "key":
		return encodedList
	case "proctitle":
		return arguments
	case "op":
		return sentence
	case "msg":
		return nested
	case "arch":
		return archKey
	case "syscall":
		return numberKey
	case "SYSCALL":
		return syscallKey
	case "saddr":
		return address
	}
	return asWritten
}

// fields reads key=value pairs, and passes over words between them. Inside is
// set within the msg='…' of a record of user space, where older programs put
// parentheses and commas around pairs.
func (d *Decoder) fields(text []byte, rec *intel.Record, inside bool) {
	old := false
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && text[i] != '=' && text[i] != ' ' {
			i++
		}
		if i >= len(text) {
			return
		}
		word := text[start:i]
		i++
		if text[i-1] == ' ' {
			if len(word) > 0 {
				i += d.decision(word, text[i:], rec)
				old = string(word) == "old"
			}
			continue
		}
		if inside {
			word = bytes.TrimLeft(word, "(")
		}
		if len(word) == 0 || len(word) > longestKey {
			continue
		}
		if old { // kernels before 3.13: "old auid=1 new auid=2", later "old-auid=1 auid=2"
			d.scratch = append(append(d.scratch[:0], "old-"...), word...)
			word, old = d.scratch, false
		}
		value, quoted, end := cutValue(text, i)
		i = end
		if inside && !quoted {
			value = bytes.TrimRight(value, ",)")
		}
		k := d.key(word)
		if k.rule == nested && !inside && quoted && bytes.IndexByte(value, '=') >= 0 {
			d.fields(value, rec, true)
			continue
		}
		i += d.field(k, value, quoted, text[i:], rec)
	}
}

// cutValue returns the value that begins at i, whether it was quoted, and
// where it ends.
func cutValue(text []byte, i int) (value []byte, quoted bool, end int) {
	if i >= len(text) {
		return nil, false, i
	}
	closing := byte(0)
	switch text[i] {
	case '"', '\'':
		closing = text[i]
	case '{':
		closing = '}'
	default:
		if n := bytes.IndexByte(text[i:], ' '); n >= 0 {
			return text[i : i+n], false, i + n
		}
		return text[i:], false, len(text)
	}
	n := bytes.IndexByte(text[i+1:], closing)
	if closing == '\'' {
		// The value holds fields with whatever a user typed: the last quote ends it.
		n = bytes.LastIndexByte(text[i+1:], closing)
	}
	switch {
	case n < 0: // cut off
		return text[i+1:], true, len(text)
	case closing == '}':
		return text[i : i+1+n+1], true, i + 1 + n + 1
	}
	return text[i+1 : i+1+n], true, i + 1 + n + 1
}

// field appends one value by its key's rule, and returns how much of what
// follows it took with it.
func (d *Decoder) field(k key, value []byte, quoted bool, follows []byte, rec *intel.Record) (taken int) {
	if d.kind == execveRecord && len(k.text) >= 2 && k.text[0] == 'a' && d.argument(k, value, quoted, rec) {
		return 0
	}
	switch k.rule {
	case encoded, encodedList, arguments:
		if !quoted {
			value = bytes.TrimSuffix(value, []byte(`"`)) // some kernels close what they did not open
		}
		if !quoted && isHex(value) {
			appendDecoded(k, value, rec)
			return 0
		}
		if k.rule == arguments && !quoted && len(follows) > 0 {
			value, taken = sentenceOf(value, follows)
		}
		rec.Add(k.name, intel.Text, value)
	case sentence:
		if !quoted {
			value, taken = sentenceOf(value, follows)
		}
		rec.Add(k.name, intel.Text, value)
	case address:
		rec.Add(k.name, intel.Text, value)
		d.address(value, rec)
	default:
		d.remember(k.rule, value)
		rec.Add(k.name, d.kindOf(k, value, quoted), value)
	}
	return taken
}

func (d *Decoder) remember(r rule, value []byte) {
	switch r {
	case archKey:
		d.arch = value
	case numberKey:
		d.number = value
	case syscallKey:
		d.enriched = value
	}
}

// kindOf tells numbers. The arguments of a system call are hexadecimal even
// where they look decimal.
func (d *Decoder) kindOf(k key, value []byte, quoted bool) intel.Kind {
	if quoted || (d.kind == syscallRecord && len(k.text) == 2 && k.text[0] == 'a') {
		return intel.Text
	}
	return intel.KindOf(value)
}

// sentenceOf lengthens an unquoted value by the words after it that are not
// the beginning of a pair.
func sentenceOf(value, follows []byte) (longer []byte, taken int) {
	for taken < len(follows) && follows[taken] == ' ' {
		end := taken + 1
		for end < len(follows) && follows[end] != ' ' && follows[end] != '=' {
			end++
		}
		word := follows[taken+1 : end]
		if len(word) == 0 || (end < len(follows) && follows[end] == '=' && isKey(word)) {
			break
		}
		for end < len(follows) && follows[end] != ' ' {
			end++
		}
		taken = end
	}
	return value[:len(value)+taken], taken // the two lie side by side in the line
}

func isKey(word []byte) bool {
	for _, c := range word {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return word[0] >= 'a' && word[0] <= 'z'
}

// longestKey bounds keys; those of audit have some twenty letters.
const longestKey = 128

// longestPermissions bounds the search for the brace after them; SELinux has
// some thirty for a class.
const longestPermissions = 1024

// decision reads SELinux's "avc:  denied  { read write } for", once its first
// word was read. It returns how much of the rest it took.
func (d *Decoder) decision(word, rest []byte, rec *intel.Record) int {
	if string(word) != "denied" && string(word) != "granted" {
		return 0
	}
	trimmed := bytes.TrimLeft(rest, " ")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return 0
	}
	permissions := trimmed[1:]
	end := bytes.IndexByte(permissions[:min(len(permissions), longestPermissions)], '}')
	if end < 0 {
		return 0
	}
	rec.Add(d.common.seresult, intel.Text, word)
	for permission := range bytes.FieldsSeq(permissions[:end]) {
		rec.Add(d.common.seperms, intel.Text, permission)
	}
	return len(rest) - len(permissions) + end + 1
}
