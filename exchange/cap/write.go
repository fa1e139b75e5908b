package cap

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"tocsin/internal/fault"
)

// Write returns the alert as a document. It refuses (fault.Invalid) an alert that
// has faults; what it writes Parse reads back as an equal alert without any.
func Write(a *Alert) ([]byte, error) {
	for _, f := range a.Faults() {
		if !f.Advice {
			return nil, fmt.Errorf("write CAP: %s: %w", f, fault.Invalid)
		}
	}
	w := &writer{}
	w.WriteString(xml.Header)
	w.open(0, `alert xmlns="`+Namespace+`"`)
	w.WriteByte('\n')
	w.fields(1, a.fields())
	w.close(0, "alert")
	if w.Len() > MaxSize {
		return nil, fmt.Errorf("write CAP: the document has %d bytes, more than the %d that are read: %w", w.Len(), MaxSize, fault.Invalid)
	}
	return w.Bytes(), nil
}

type writer struct{ bytes.Buffer }

func (w *writer) open(depth int, tag string) {
	for range depth {
		w.WriteString("  ")
	}
	w.WriteByte('<')
	w.WriteString(tag)
	w.WriteByte('>')
}

func (w *writer) close(depth int, tag string) {
	for range depth {
		w.WriteString("  ")
	}
	w.WriteString("</")
	w.WriteString(tag)
	w.WriteString(">\n")
}

func (w *writer) leaf(depth int, tag, text string) {
	w.open(depth, tag)
	_ = xml.EscapeText(w, []byte(text)) // a buffer takes everything
	w.close(0, tag)
}

func (w *writer) container(depth int, tag string, fields []field) {
	w.open(depth, tag)
	w.WriteByte('\n')
	w.fields(depth+1, fields)
	w.close(depth, tag)
}

func (w *writer) fields(depth int, fields []field) {
	for _, f := range fields {
		switch {
		case f.one != nil:
			if *f.one != "" {
				w.leaf(depth, f.name, *f.one)
			}
		case f.many != nil:
			for _, text := range *f.many {
				w.leaf(depth, f.name, text)
			}
		case f.pairs != nil:
			for n := range *f.pairs {
				p := (*f.pairs)[n]
				w.open(depth, f.name)
				w.WriteByte('\n')
				w.leaf(depth+1, "valueName", p.Name)
				w.leaf(depth+1, "value", p.Value)
				w.close(depth, f.name)
			}
		case f.infos != nil:
			for n := range *f.infos {
				i := &(*f.infos)[n]
				categories, responses := texts(i.Categories), texts(i.ResponseTypes)
				w.container(depth, f.name, i.fields(&categories, &responses))
			}
		case f.resources != nil:
			for n := range *f.resources {
				w.container(depth, f.name, (*f.resources)[n].fields())
			}
		case f.areas != nil:
			for n := range *f.areas {
				w.container(depth, f.name, (*f.areas)[n].fields())
			}
		}
	}
}
