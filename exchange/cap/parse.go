package cap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tocsin/internal/fault"
)

// The limits of a document.
const (
	// MaxSize is how many bytes are read: 10,000 indicators with their words take
	// 4 MB, attached files the rest.
	MaxSize = 16 << 20
	// maxElements bounds what is kept of small elements: 10,000 parameters are
	// 30,000.
	maxElements = 200_000
	// maxFaults bounds what is said of a document that is nothing but faults.
	maxFaults = 1000
	// maxDepth bounds elements that are not CAP's; CAP's own are five deep.
	maxDepth = 32
)

const signature = "http://www.w3.org/2000/09/xmldsig#"

// Parse reads an alert. The error (fault.Invalid) says that it is no alert of CAP
// 1.2, no well-formed XML, too large, or has a document type declaration, which
// is refused since it can define entities. Everything else that is wrong is among
// the faults, and the rest is read all the same. XML signatures are passed over.
func Parse(text []byte) (*Alert, []Fault, error) {
	if len(text) > MaxSize {
		return nil, nil, fmt.Errorf("CAP: more than %d bytes: %w", MaxSize, fault.Invalid)
	}
	p := &parser{decoder: xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))}
	a, err := p.document()
	if err != nil {
		line, column := p.decoder.InputPos()
		return nil, nil, fmt.Errorf("CAP, line %d, column %d: %w: %w", line, column, err, fault.Invalid)
	}
	return a, p.bounded(append(p.faults, a.Faults()...)), nil
}

type parser struct {
	decoder  *xml.Decoder
	faults   []Fault
	elements int
}

func (p *parser) bounded(faults []Fault) []Fault {
	return faults[:min(len(faults), maxFaults)]
}

func (p *parser) fault(path, reason string) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, Fault{Path: path, Reason: reason})
	}
}

// token returns the next token that means something: a start, an end, or text.
func (p *parser) token() (xml.Token, error) {
	for {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, errors.New("a document type declaration is not accepted")
		case xml.Comment, xml.ProcInst:
		case xml.StartElement:
			if p.elements++; p.elements > maxElements {
				return nil, fmt.Errorf("more than %d elements", maxElements)
			}
			return token, nil
		default:
			return token, nil
		}
	}
}

func (p *parser) document() (*Alert, error) {
	var a *Alert
	for {
		token, err := p.token()
		if errors.Is(err, io.EOF) {
			if a == nil {
				return nil, errors.New("an alert element is expected")
			}
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok && strings.TrimSpace(textOf(token)) != "":
			return nil, errors.New("text outside the alert")
		case !ok:
		case a != nil:
			return nil, errors.New("a second element after the alert")
		case start.Name.Local != "alert":
			return nil, fmt.Errorf("an alert element is expected, not %q", clip(start.Name.Local))
		case start.Name.Space != Namespace:
			return nil, fmt.Errorf("the namespace is %q, not that of CAP 1.2, %q", clip(start.Name.Space), Namespace)
		default:
			a = &Alert{}
			if err := p.container("/alert", a.fields()); err != nil {
				return nil, err
			}
		}
	}
}

func textOf(token xml.Token) string {
	text, _ := token.(xml.CharData)
	return string(text)
}

// container reads the content of an element that holds others.
func (p *parser) container(path string, fields []field) error {
	at := 0
	seen := map[string]int{}
	for {
		token, err := p.token()
		if err != nil {
			return unexpectedEnd(err)
		}
		switch token := token.(type) {
		case xml.EndElement:
			return nil
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				p.fault(path, fmt.Sprintf("text stands between its elements: %q", clip(text)))
			}
		case xml.StartElement:
			n := index(fields, token.Name)
			if n < 0 {
				if err := p.unknown(path, token.Name); err != nil {
					return err
				}
				continue
			}
			f := &fields[n]
			seen[f.name]++
			here := path + "/" + f.name
			if f.one == nil {
				here += "[" + strconv.Itoa(seen[f.name]) + "]"
			}
			if n < at {
				p.fault(here, "it must stand before "+fields[at].name)
			}
			at = max(at, n)
			if err := p.field(here, f, seen[f.name]); err != nil {
				return err
			}
		}
	}
}

func index(fields []field, name xml.Name) int {
	for n := range fields {
		if fields[n].name == name.Local && name.Space == Namespace {
			return n
		}
	}
	return -1
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unknown passes over an element that CAP does not have there.
func (p *parser) unknown(path string, name xml.Name) error {
	if name.Space != signature {
		p.fault(path+"/"+clip(name.Local), "CAP 1.2 has no such element here")
	}
	for depth := 1; depth > 0; {
		token, err := p.token()
		if err != nil {
			return unexpectedEnd(err)
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return fmt.Errorf("elements more than %d deep", maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// field reads one element that the table has.
func (p *parser) field(path string, f *field, n int) error {
	switch {
	case f.pairs != nil:
		*f.pairs = append(*f.pairs, Pair{})
		return p.container(path, (*f.pairs)[n-1].fields())
	case f.resources != nil:
		*f.resources = append(*f.resources, Resource{})
		return p.container(path, (*f.resources)[n-1].fields())
	case f.areas != nil:
		*f.areas = append(*f.areas, Area{})
		return p.container(path, (*f.areas)[n-1].fields())
	case f.infos != nil:
		*f.infos = append(*f.infos, Info{})
		info := &(*f.infos)[n-1]
		var categories, responses []string
		err := p.container(path, info.fields(&categories, &responses))
		info.Categories, info.ResponseTypes = codes[Category](categories), codes[ResponseType](responses)
		return err
	}
	text, err := p.text(path)
	if err != nil {
		return err
	}
	if f.trimmed {
		text = strings.TrimSpace(text)
	}
	switch {
	case f.many != nil:
		*f.many = append(*f.many, text)
	case n > 1:
		p.fault(path, "it may stand only once; the first counts")
	default:
		*f.one = text
	}
	return nil
}

// text reads the content of an element that holds text alone.
func (p *parser) text(path string) (string, error) {
	var b strings.Builder
	for {
		token, err := p.token()
		if err != nil {
			return "", unexpectedEnd(err)
		}
		switch token := token.(type) {
		case xml.EndElement:
			return b.String(), nil
		case xml.CharData:
			b.Write(token)
		case xml.StartElement:
			if err := p.unknown(path, token.Name); err != nil {
				return "", err
			}
		}
	}
}
