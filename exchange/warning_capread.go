package exchange

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/exchange/cap"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// ReadCAP reads a message of CAP 1.2, ours or another program's. Faults that change
// no meaning are passed over and told in Passed. Where an element was changed after
// we wrote it, the element counts. The error is fault.Invalid.
func ReadCAP(text []byte) (*Message, error) {
	a, faults, err := cap.Parse(text)
	if err != nil {
		return nil, err
	}
	m := &Message{Sender: a.Sender}
	for _, f := range faults {
		if !f.Advice {
			m.pass("CAP: "+f.Reason, f.Path)
		}
	}
	sent, err := a.Sent.Time()
	if err != nil || a.Identifier == "" || a.Sender == "" {
		return nil, fmt.Errorf("read CAP: identifier, sender and sent are required: %w", fault.Invalid)
	}
	if a.MsgType != cap.NewAlert && a.MsgType != cap.Update && a.MsgType != cap.Cancel {
		return nil, fmt.Errorf("read CAP: a message of type %q is no warning: %w", string(a.MsgType), fault.Invalid)
	}
	m.Name = cap.JoinReferences([]cap.Reference{a.Reference()})
	if a.References != "" {
		m.Previous = strings.Fields(a.References)
	}
	readBulletin(m, a, sent)
	m.Reason = a.Note
	if len(a.Infos) > 0 {
		m.SenderName = a.Infos[0].SenderName
	}
	if m.SenderName == m.Sender {
		m.SenderName = ""
	}
	if m.Content == nil {
		return m, nil
	}
	if m.Content.Author == alliance.NodeID(m.Sender) {
		m.Sender = ""
	}
	readWarning(m, a)
	return m, nil
}

// parameter returns the first parameter of that name.
func parameter(i *cap.Info, name string) (string, bool) {
	for _, p := range i.Parameters {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// readBulletin takes what we wrote beside the elements, if the message is ours and
// says the same as they; else what they say.
func readBulletin(m *Message, a *cap.Alert, sent time.Time) {
	for n := range a.Infos {
		value, ours := parameter(&a.Infos[n], parameterBulletin)
		if !ours {
			continue
		}
		var b alliance.Bulletin
		if err := json.Unmarshal([]byte(value), &b); err != nil {
			m.pass("a bulletin that cannot be read", fmt.Sprintf("/alert/info[%d]", n+1))
			break
		}
		if identifier(&Message{Bulletin: b}) != a.Identifier || cap.At(b.At) != cap.At(sent) || msgType(b.Change) != a.MsgType || (b.Content == nil) != (a.MsgType == cap.Cancel) {
			m.pass("a bulletin that belongs to another message", fmt.Sprintf("/alert/info[%d]", n+1))
			break
		}
		m.Bulletin = b
		return
	}
	m.Bulletin = alliance.Bulletin{Change: alliance.IssuedChange, Number: a.Identifier, Revision: 1, At: sent}
	switch a.MsgType {
	case cap.Update:
		m.Change = alliance.AmendedChange
	case cap.Cancel:
		m.Change = alliance.LiftedChange
		return
	}
	m.Content = &alliance.Warning{Number: a.Identifier, Revision: 1, Issued: sent, Effective: sent}
	if len(a.Infos) > 0 {
		m.Content.Category = a.Infos[0].Event
		for _, i := range a.Infos {
			if i.Web != "" && !slices.Contains(m.Content.References, i.Web) {
				m.Content.References = append(m.Content.References, i.Web)
			}
		}
	}
}

// readWarning reads the elements over what the bulletin said.
func readWarning(m *Message, a *cap.Alert) {
	w := m.Content
	w.Exercise = a.Status != cap.Actual
	if w.Exercise && a.Status != cap.Exercise {
		m.pass("a status that is not Actual: it counts as an exercise", "/alert/status")
	}
	readMarking(m, a)
	if scope := scopeOf(a); !sameScope(scope, w.Scope) {
		w.Scope = scope
	}
	for n := range a.Infos {
		readText(w, &a.Infos[n])
	}
	if len(a.Infos) == 0 {
		return
	}
	first := &a.Infos[0]
	if g := gravityOf(w.Colour); g.severity != first.Severity || w.Colour == "" {
		w.Colour = colourOf(first.Severity)
	}
	if t, err := first.Effective.Time(); err == nil && cap.At(w.Effective) != cap.At(t) {
		w.Effective = t
	}
	if t, err := first.Expires.Time(); err == nil && (w.Expires == nil || cap.At(*w.Expires) != cap.At(t)) {
		w.Expires = &t
	} else if first.Expires == "" {
		w.Expires = nil
	}
	for n := range a.Infos {
		readParts(m, &a.Infos[n], fmt.Sprintf("/alert/info[%d]", n+1))
	}
}

// readMarking takes the label from the codes. One that cannot be read is TLP:RED:
// better too few than too many.
func readMarking(m *Message, a *cap.Alert) {
	w := m.Content
	w.Marking = intel.Unmarked
	pap := ""
	for n, code := range a.Codes {
		name, value, _ := strings.Cut(code, ":")
		switch strings.ToUpper(name) {
		case "TLP":
			marking, err := intel.ParseMarking(value)
			if err != nil {
				m.pass("a TLP label that nobody defined: it counts as TLP:RED", fmt.Sprintf("/alert/code[%d]", n+1))
				marking = intel.TLPRed
			}
			w.Marking = max(w.Marking, marking)
		case "PAP":
			pap = value
		}
	}
	if !strings.EqualFold(pap, w.PAP) {
		w.PAP = strings.ToLower(pap)
	}
}

// scopeOf is what the elements say of whom a warning is for: nodes and regions.
func scopeOf(a *cap.Alert) alliance.Scope {
	var s alliance.Scope
	addresses, _ := cap.Split(a.Addresses) // a fault if it cannot be read
	for _, address := range addresses {
		if id := alliance.NodeID(address); id.Valid() {
			s.Members = append(s.Members, id)
		}
	}
	if len(a.Infos) == 0 {
		return s
	}
	for _, area := range a.Infos[0].Areas {
		for _, code := range area.Geocodes {
			if strings.HasPrefix(code.Name, regionCode) {
				s.Regions = append(s.Regions, code.Value)
			}
		}
	}
	return s
}

// sameScope reports whether two scopes name the same nodes and regions.
func sameScope(a, b alliance.Scope) bool {
	return slices.Equal(a.Members, b.Members) && slices.Equal(a.Regions, b.Regions)
}

// readText reads one language; a foreign message's instruction belongs to the body.
func readText(w *alliance.Warning, i *cap.Info) {
	_, ours := parameter(i, parameterText)
	_, bulletin := parameter(i, parameterBulletin)
	if bulletin && !ours {
		return // a warning without a text
	}
	text := alliance.Text{Language: i.Language, Title: i.Headline, Body: i.Description}
	text.Impact, _ = parameter(i, parameterImpact)
	if !ours {
		if text.Language == "" {
			text.Language = cap.DefaultLanguage
		}
		if text.Title == "" {
			text.Title = i.Event
		}
		text.Body = strings.TrimSpace(text.Body + "\n\n" + i.Instruction)
	}
	w.Texts = append(w.Texts, text)
}

// readParts reads what is asked.
func readParts(m *Message, i *cap.Info, path string) {
	w := m.Content
	_, ours := parameter(i, parameterBulletin)
	if ours {
		w.References = nil
	}
	for n, p := range i.Parameters {
		here := fmt.Sprintf("%s/parameter[%d]", path, n+1)
		switch p.Name {
		case parameterIndicator:
			if in, ok := part[alliance.Indicator](m, p.Value, here); ok {
				m.take(in, here)
			}
		case parameterProduct:
			if product, ok := part[alliance.Product](m, p.Value, here); ok {
				w.Products = append(w.Products, product)
			}
		case parameterMeasure:
			if measure, ok := part[alliance.Measure](m, p.Value, here); ok {
				w.Measures = append(w.Measures, measure)
			}
		case parameterReference:
			w.References = append(w.References, p.Value)
		}
	}
	for n := range i.Resources {
		readRule(m, &i.Resources[n], fmt.Sprintf("%s/resource[%d]", path, n+1))
	}
}

func readRule(m *Message, r *cap.Resource, path string) {
	name, ours := strings.CutPrefix(r.URI, ruleResource)
	if !ours || r.MIMEType != ruleType {
		return
	}
	id, err := url.PathUnescape(name)
	content, err2 := r.Content()
	if err != nil || err2 != nil {
		m.pass("a rule that cannot be read", path)
		return
	}
	m.Content.Rules = append(m.Content.Rules, alliance.Rule{ID: id, Text: string(content)})
}

// part reads a part of a warning.
func part[T any](m *Message, value, where string) (T, bool) {
	var p T
	if err := json.Unmarshal([]byte(value), &p); err != nil || reflect.ValueOf(p).IsZero() {
		m.pass("a part of a warning that cannot be read", where)
		return p, false
	}
	return p, true
}
