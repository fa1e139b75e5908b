package cef

import (
	"bytes"

	"tocsin/intel"
)

// extension reads "key=value key=value". A value may hold blanks; it ends
// before the word that is the next key.
func (d *Decoder) extension(text []byte, rec *intel.Record) {
	d.labels = d.labels[:0]
	d.keys.Begin()
	first := len(rec.Fields)
	key, text := nextKey(text)
	for key != nil {
		value := text
		end, next, rest := valueEnd(text)
		value = value[:end]
		name := d.keys.Path(key)
		d.add(rec, name, value, value)
		if base, ok := bytes.CutSuffix(key, []byte("Label")); ok && len(base) > 0 && len(d.labels) < labelsLimit {
			d.labels = append(d.labels, label{key: base, text: rec.Fields[len(rec.Fields)-1].Value})
		}
		key, text = next, rest
	}
	d.label(rec, first, len(rec.Fields))
}

// labelsLimit bounds the labels of a line; the format has 35 custom fields.
const labelsLimit = 64

// nextKey finds the first key; what stands before it belongs to nothing.
func nextKey(text []byte) (key, rest []byte) {
	_, key, rest = valueEnd(text)
	return key, rest
}

// longestKey bounds keys; the format's longest has 29 letters.
const longestKey = 128

// valueEnd returns where the value that text begins with ends, the key after
// it and what follows that key's equals sign. Without a further key all of
// text is the value.
func valueEnd(text []byte) (end int, key, rest []byte) {
	word := 0 // where the word at hand begins, -1 when it cannot be a key
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ':
			word = i + 1
		case word >= 0 && i-word > longestKey:
			word = -1
		case c == '\\':
			i++
			word = -1
		case c == '=' && word >= 0 && i > word:
			return len(bytes.TrimRight(text[:word], " ")), text[word:i], text[i+1:]
		case !isKeyByte(c):
			word = -1
		}
	}
	return len(bytes.TrimRight(text, " ")), nil, nil
}

// isKeyByte allows more than the format, which has letters and digits: vendors
// use dots, dashes, underscores and brackets.
func isKeyByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '.' || c == '-' || c == '[' || c == ']'
}

// label appends the custom fields, those from first to end, under their labels
// too.
func (d *Decoder) label(rec *intel.Record, first, end int) {
	for _, l := range d.labels {
		if len(l.text) == 0 || len(l.text) > longestKey {
			continue
		}
		name := d.cache.Path(l.key)
		for i := first; i < end; i++ {
			if f := rec.Fields[i]; f.Name == name {
				rec.Add(d.cache.Path(l.text), f.Kind, f.Value)
				break // a key stands once, and a hostile line must not multiply
			}
		}
	}
}
