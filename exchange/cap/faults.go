package cap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is one rule of the standard that an alert breaks.
type Fault struct {
	// Path is where: "/alert/info[2]/area[1]/polygon[1]"; elements that may stand
	// several times are counted from 1.
	Path string
	// Reason is what is wrong and what the standard wants.
	Reason string
	// Advice is set where the standard says SHOULD: the alert is valid all the same.
	Advice bool
}

func (f Fault) String() string { return f.Path + ": " + f.Reason }

// Faults returns what is wrong with an alert by the data dictionary (§3.2) and
// the schema (§3.4), in the order of the elements. Valid is an alert whose faults
// are all advice.
func (a *Alert) Faults() []Fault {
	c := &checker{}
	c.alert(a)
	return c.faults
}

// checker collects faults.
type checker struct{ faults []Fault }

func (c *checker) add(path, reason string) {
	if reason != "" && len(c.faults) < maxFaults {
		c.faults = append(c.faults, Fault{Path: path, Reason: reason})
	}
}

func (c *checker) advise(path, reason string) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, Fault{Path: path, Reason: reason, Advice: true})
	}
}

// required checks a text that must be there.
func (c *checker) required(path, text string) bool {
	if strings.TrimSpace(text) == "" {
		c.add(path, "it is required")
		return false
	}
	return true
}

// optional checks a text with a form of its own, if it is there.
func (c *checker) optional(path, text string, check func(string) string) {
	if text != "" {
		c.add(path, check(text))
	}
}

// code checks a text that must be one of a list.
func (c *checker) code(path, text string, codes []string) {
	if c.required(path, text) && !slices.Contains(codes, text) {
		c.add(path, fmt.Sprintf("%q is none of %s", clip(text), strings.Join(codes, ", ")))
	}
}

// legible checks that every text of a container can stand in XML.
func (c *checker) legible(path string, fields []field) {
	for _, f := range fields {
		if f.one != nil && unwritable(*f.one) {
			c.add(path+"/"+f.name, "it holds a character that XML cannot")
		}
		if f.one != nil && f.trimmed && strings.TrimSpace(*f.one) != *f.one {
			c.add(path+"/"+f.name, "it has blanks around it")
		}
		if f.many == nil {
			continue
		}
		for n, text := range *f.many {
			if unwritable(text) {
				c.add(at(path+"/"+f.name, n), "it holds a character that XML cannot")
			}
		}
	}
}

// unwritable reports whether a text holds what XML 1.0 (§2.2) leaves out, or no
// valid UTF-8.
func unwritable(text string) bool {
	for i, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
		case r < ' ' || r == '\ufffe' || r == '\uffff':
			return true
		case r == '\ufffd' && !strings.HasPrefix(text[i:], "\ufffd"):
			return true
		}
	}
	return false
}

func at(path string, n int) string { return path + "[" + strconv.Itoa(n+1) + "]" }

func (c *checker) alert(a *Alert) {
	const path = "/alert"
	c.legible(path, a.fields())
	if c.required(path+"/identifier", a.Identifier) {
		c.add(path+"/identifier", nameFault(a.Identifier))
	}
	if c.required(path+"/sender", a.Sender) {
		c.add(path+"/sender", nameFault(a.Sender))
	}
	if c.required(path+"/sent", string(a.Sent)) {
		c.add(path+"/sent", timeFault(a.Sent))
	}
	c.code(path+"/status", string(a.Status), statuses)
	c.code(path+"/msgType", string(a.MsgType), msgTypes)
	c.code(path+"/scope", string(a.Scope), scopes)
	c.audience(path, a)
	for n, code := range a.Codes {
		c.required(at(path+"/code", n), code)
	}
	c.optional(path+"/references", a.References, func(text string) string {
		_, err := SplitReferences(text)
		return message(err)
	})
	if a.MsgType != NewAlert && slices.Contains(msgTypes, string(a.MsgType)) && strings.TrimSpace(a.References) == "" {
		c.add(path+"/references", fmt.Sprintf("it is required when msgType is %s: it says which messages are meant", a.MsgType))
	}
	c.optional(path+"/incidents", a.Incidents, listFault)
	if a.Note == "" && a.Status == Exercise {
		c.advise(path+"/note", "it should name the exercise when status is Exercise")
	}
	if a.Note == "" && a.MsgType == ErrorType {
		c.advise(path+"/note", "it should explain the rejection when msgType is Error")
	}
	for n := range a.Infos {
		c.info(at(path+"/info", n), &a.Infos[n])
	}
}

// audience checks what depends on the scope.
func (c *checker) audience(path string, a *Alert) {
	switch restricted := strings.TrimSpace(a.Restriction) != ""; {
	case a.Scope == Restricted && !restricted:
		c.add(path+"/restriction", "it is required when scope is Restricted")
	case a.Scope != Restricted && restricted:
		c.add(path+"/restriction", "it is used only when scope is Restricted")
	}
	if a.Scope == Private && strings.TrimSpace(a.Addresses) == "" {
		c.add(path+"/addresses", "it is required when scope is Private")
	}
	c.optional(path+"/addresses", a.Addresses, listFault)
}

func (c *checker) info(path string, i *Info) {
	categoryTexts, responseTexts := texts(i.Categories), texts(i.ResponseTypes)
	c.legible(path, i.fields(&categoryTexts, &responseTexts))
	c.optional(path+"/language", i.Language, languageFault)
	if len(i.Categories) == 0 {
		c.add(path+"/category", "it is required")
	}
	for n, category := range categoryTexts {
		c.code(at(path+"/category", n), category, categories)
	}
	c.required(path+"/event", i.Event)
	for n, response := range responseTexts {
		c.code(at(path+"/responseType", n), response, responses)
	}
	c.code(path+"/urgency", string(i.Urgency), urgencies)
	c.code(path+"/severity", string(i.Severity), severities)
	c.code(path+"/certainty", string(i.Certainty), certainties)
	c.pairs(path+"/eventCode", i.EventCodes)
	c.moment(path+"/effective", i.Effective)
	c.moment(path+"/onset", i.Onset)
	c.moment(path+"/expires", i.Expires)
	c.optional(path+"/web", i.Web, absoluteFault)
	c.pairs(path+"/parameter", i.Parameters)
	for n := range i.Resources {
		c.resource(at(path+"/resource", n), &i.Resources[n])
	}
	for n := range i.Areas {
		c.area(at(path+"/area", n), &i.Areas[n])
	}
}

func (c *checker) moment(path string, d DateTime) {
	if d != "" {
		c.add(path, timeFault(d))
	}
}

func (c *checker) pairs(path string, pairs []Pair) {
	for n := range pairs {
		here := at(path, n)
		c.legible(here, pairs[n].fields())
		if c.required(here+"/valueName", pairs[n].Name) && dotted(pairs[n].Name) {
			c.advise(here+"/valueName", "an acronym should be written in capitals without periods")
		}
	}
}

func (c *checker) resource(path string, r *Resource) {
	c.legible(path, r.fields())
	c.required(path+"/resourceDesc", r.Description)
	if c.required(path+"/mimeType", r.MIMEType) {
		c.add(path+"/mimeType", mimeFault(r.MIMEType))
	}
	c.optional(path+"/size", r.Size, sizeFault)
	if r.DerefURI == "" {
		c.optional(path+"/uri", r.URI, absoluteFault)
	} else {
		// With the content at hand the URI only names it, and may be relative.
		c.optional(path+"/uri", r.URI, uriFault)
	}
	content, err := r.Content()
	c.add(path+"/derefUri", message(err))
	c.optional(path+"/digest", r.Digest, digestFault)
	if r.DerefURI != "" && err == nil && digestFault(r.Digest) == "" && !strings.EqualFold(r.Digest, Digest(content)) {
		c.add(path+"/digest", "it is not the SHA-1 digest of the content in derefUri")
	}
}

func (c *checker) area(path string, a *Area) {
	c.legible(path, a.fields())
	c.required(path+"/areaDesc", a.Description)
	for n, polygon := range a.Polygons {
		c.add(at(path+"/polygon", n), polygonFault(polygon))
	}
	for n, circle := range a.Circles {
		c.add(at(path+"/circle", n), circleFault(circle))
	}
	c.pairs(path+"/geocode", a.Geocodes)
	if len(a.Geocodes) > 0 && len(a.Polygons)+len(a.Circles) == 0 {
		c.advise(path+"/geocode[1]", "a polygon or a circle should say the same")
	}
	c.optional(path+"/altitude", a.Altitude, decimalFault)
	c.optional(path+"/ceiling", a.Ceiling, decimalFault)
	if a.Ceiling != "" && a.Altitude == "" {
		c.add(path+"/ceiling", "it must not be used without altitude")
	}
}
