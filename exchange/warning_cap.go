package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tocsin/alliance"
	"tocsin/exchange/cap"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// The parameters in which what CAP has no element for travels. Each value is JSON,
// except where it is a plain word for people.
const (
	parameterBulletin  = "tocsin:bulletin" // in the first info: what no element says
	parameterColour    = "tocsin:colour"   // a word
	parameterText      = "tocsin:text"     // in every info that is a text of the warning
	parameterImpact    = "tocsin:impact"   // the text's impact
	parameterIndicator = "tocsin:indicator"
	parameterProduct   = "tocsin:product"
	parameterMeasure   = "tocsin:measure"
	parameterReference = "tocsin:reference" // a URL
	// Rules are resources: this is the beginning of their URI.
	ruleResource = "sigma/"
	ruleType     = "application/yaml"
	regionCode   = "ISO3166"
)

// gravity is what CAP says of a colour.
type gravity struct {
	colour    alliance.Colour
	severity  cap.Severity
	urgency   cap.Urgency
	certainty cap.Certainty
}

// gravities maps colours to CAP; a foreign message's severity is read back by it.
var gravities = []gravity{
	{alliance.Blue, cap.Minor, cap.Future, cap.Possible},
	{alliance.Yellow, cap.Moderate, cap.Expected, cap.Likely},
	{alliance.Orange, cap.Severe, cap.Immediate, cap.Likely},
	{alliance.Red, cap.Extreme, cap.Immediate, cap.Observed},
}

var unknownGravity = gravity{"", "Unknown", "Unknown", "Unknown"}

func gravityOf(c alliance.Colour) gravity {
	for _, g := range gravities {
		if g.colour == c {
			return g
		}
	}
	return unknownGravity
}

func colourOf(s cap.Severity) alliance.Colour {
	for _, g := range gravities {
		if g.severity == s {
			return g.colour
		}
	}
	return ""
}

// msgTypes are CAP's words for changes: what amends is an Update, what ends a
// Cancel.
func msgType(c alliance.Change) cap.MsgType {
	switch {
	case c.Ends():
		return cap.Cancel
	case c == alliance.IssuedChange || c == "":
		return cap.NewAlert
	default:
		return cap.Update
	}
}

// Named returns what CAP calls a message: the text that stands among the Previous
// of a later one.
func Named(m *Message) string {
	r := cap.Reference{Sender: m.sender(), Identifier: identifier(m), Sent: cap.At(m.At)}
	return cap.JoinReferences([]cap.Reference{r})
}

func identifier(m *Message) string {
	return m.Warning + "." + strconv.Itoa(m.Revision)
}

// WriteCAP writes a bulletin as a message of CAP 1.2. A change needs Previous, as
// CAP does. The error is fault.Invalid for what CAP cannot say: control characters
// in a text, for one.
func WriteCAP(m *Message) ([]byte, error) {
	m, err := m.over()
	if err != nil {
		return nil, err
	}
	a := &cap.Alert{
		Identifier: identifier(m), Sender: m.sender(), Sent: cap.At(m.At), Status: cap.Actual, MsgType: msgType(m.Change),
		Note: m.Reason, References: strings.Join(m.Previous, " "), Scope: cap.Restricted,
	}
	if a.MsgType != cap.NewAlert && len(m.Previous) == 0 {
		return nil, fmt.Errorf("write %s as CAP: a change names the messages that it changes: %w", m.Number, fault.Invalid)
	}
	if m.Content != nil {
		addressed(a, m.Content)
	} else {
		a.Restriction = restriction(intel.Unmarked)
	}
	if err := infos(a, m); err != nil {
		return nil, err
	}
	return cap.Write(a)
}

// addressed says for whom a warning is.
func addressed(a *cap.Alert, w *alliance.Warning) {
	if w.Exercise {
		a.Status = cap.Exercise
	}
	switch described := len(w.Scope.Kinds)+len(w.Scope.Sectors)+len(w.Scope.Regions) > 0; {
	case w.Scope.Everyone() && w.Marking == intel.TLPClear:
		a.Scope = cap.Public
	case len(w.Scope.Members) > 0 && !described:
		a.Scope = cap.Private
	default:
		a.Restriction = restriction(w.Marking)
	}
	members := make([]string, 0, len(w.Scope.Members))
	for _, member := range w.Scope.Members {
		members = append(members, string(member))
	}
	a.Addresses = cap.Join(members)
	if w.Marking != intel.Unmarked {
		a.Codes = append(a.Codes, "TLP:"+strings.ToUpper(w.Marking.String()))
	}
	if w.PAP != "" {
		a.Codes = append(a.Codes, "PAP:"+strings.ToUpper(w.PAP))
	}
}

func restriction(m intel.Marking) string {
	if m == intel.Unmarked {
		return "members of the alliance who are meant"
	}
	return "TLP:" + strings.ToUpper(m.String())
}

// infos writes a block for each language; all that is not language is in the first.
func infos(a *cap.Alert, m *Message) error {
	texts := []alliance.Text{{}}
	if m.Content != nil && len(m.Content.Texts) > 0 {
		texts = m.Content.Texts
	}
	for _, text := range texts {
		a.Infos = append(a.Infos, info(m, text))
	}
	first := &a.Infos[0]
	bulletin, err := m.envelope()
	if err != nil {
		return err
	}
	first.Parameters = append(first.Parameters, cap.Pair{Name: parameterBulletin, Value: bulletin})
	if m.Content == nil {
		return nil
	}
	return parts(first, m.Content)
}

// info is one text.
func info(m *Message, text alliance.Text) cap.Info {
	i := cap.Info{
		Categories: []cap.Category{cap.Security, cap.Infra}, Event: "Cyber security warning", SenderName: m.senderName(),
		Language: text.Language, Headline: text.Title, Description: text.Body, ResponseTypes: []cap.ResponseType{cap.Monitor},
	}
	g := unknownGravity
	w := m.Content
	if w == nil {
		i.ResponseTypes = []cap.ResponseType{cap.AllClear}
		i.Headline = strings.TrimSpace("Over: " + m.Number)
	} else {
		g = gravityOf(w.Colour)
		about(&i, w)
	}
	i.Severity, i.Urgency, i.Certainty = g.severity, g.urgency, g.certainty
	if w == nil {
		i.Urgency = cap.Past
	}
	if w != nil && len(w.Texts) > 0 {
		i.Parameters = append(i.Parameters, cap.Pair{Name: parameterText, Value: "true"})
	}
	if text.Impact != "" {
		i.Parameters = append(i.Parameters, cap.Pair{Name: parameterImpact, Value: text.Impact})
	}
	return i
}

// about says what is the same in every language.
func about(i *cap.Info, w *alliance.Warning) {
	i.Event = cmp.Or(strings.TrimSpace(w.Category), i.Event)
	i.Effective = cap.At(w.Effective)
	if w.Expires != nil {
		i.Expires = cap.At(*w.Expires)
	}
	if w.Colour != "" {
		i.Parameters = append(i.Parameters, cap.Pair{Name: parameterColour, Value: string(w.Colour)})
	}
	if w.Directive() {
		i.ResponseTypes = []cap.ResponseType{cap.Execute}
		i.Instruction = instruction(w.Measures)
	}
	if kinds := slices.Concat(texts(w.Scope.Kinds), w.Scope.Sectors); len(kinds) > 0 {
		i.Audience = strings.Join(kinds, ", ")
	}
	if len(w.Scope.Regions) > 0 {
		area := cap.Area{Description: strings.Join(w.Scope.Regions, ", ")}
		for _, region := range w.Scope.Regions {
			area.Geocodes = append(area.Geocodes, cap.Pair{Name: regionCode, Value: region})
		}
		i.Areas = []cap.Area{area}
	}
	for _, reference := range w.References {
		if u, err := url.Parse(reference); err == nil && u.IsAbs() && !strings.ContainsAny(reference, " <>\"\t\r\n") {
			i.Web = reference
			break
		}
	}
}

func texts[T ~string](words []T) []string {
	var list []string
	for _, word := range words {
		list = append(list, string(word))
	}
	return list
}

// instruction says to people what is demanded; the measures themselves are
// parameters.
func instruction(measures []alliance.Measure) string {
	var b strings.Builder
	for n, measure := range measures {
		fmt.Fprintf(&b, "%d. %s (by %s)\n", n+1, measure.Text, measure.Due.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return b.String()
}

// parts writes what is asked.
func parts(i *cap.Info, w *alliance.Warning) error {
	var errs []error
	add := func(name string, part any) {
		value, err := compact(part)
		errs = append(errs, err)
		i.Parameters = append(i.Parameters, cap.Pair{Name: name, Value: value})
	}
	for n := range w.Indicators {
		add(parameterIndicator, &w.Indicators[n])
	}
	for n := range w.Products {
		add(parameterProduct, &w.Products[n])
	}
	for n := range w.Measures {
		add(parameterMeasure, &w.Measures[n])
	}
	for _, reference := range w.References {
		i.Parameters = append(i.Parameters, cap.Pair{Name: parameterReference, Value: reference})
	}
	for _, rule := range w.Rules {
		r := cap.Attach("Sigma rule "+rule.ID, ruleType, []byte(rule.Text))
		r.URI = ruleResource + url.PathEscape(rule.ID)
		i.Resources = append(i.Resources, r)
	}
	return errors.Join(errs...)
}
