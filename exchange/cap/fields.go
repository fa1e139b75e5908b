package cap

// field is one element that may stand in another, bound to where its content is
// kept: exactly one of the pointers is set. The order of the fields of a
// container is the order in which the schema wants the elements (§3.4).
type field struct {
	name      string
	one       *string   // at most one
	many      *[]string // any number
	pairs     *[]Pair
	infos     *[]Info
	resources *[]Resource
	areas     *[]Area
	trimmed   bool // blanks around the value mean nothing
}

func (a *Alert) fields() []field {
	return []field{
		{name: "identifier", one: &a.Identifier},
		{name: "sender", one: &a.Sender},
		{name: "sent", one: (*string)(&a.Sent), trimmed: true},
		{name: "status", one: (*string)(&a.Status)},
		{name: "msgType", one: (*string)(&a.MsgType)},
		{name: "source", one: &a.Source},
		{name: "scope", one: (*string)(&a.Scope)},
		{name: "restriction", one: &a.Restriction},
		{name: "addresses", one: &a.Addresses},
		{name: "code", many: &a.Codes},
		{name: "note", one: &a.Note},
		{name: "references", one: &a.References},
		{name: "incidents", one: &a.Incidents},
		{name: "info", infos: &a.Infos},
	}
}

func (i *Info) fields(categories, responses *[]string) []field {
	return []field{
		{name: "language", one: &i.Language, trimmed: true},
		{name: "category", many: categories},
		{name: "event", one: &i.Event},
		{name: "responseType", many: responses},
		{name: "urgency", one: (*string)(&i.Urgency)},
		{name: "severity", one: (*string)(&i.Severity)},
		{name: "certainty", one: (*string)(&i.Certainty)},
		{name: "audience", one: &i.Audience},
		{name: "eventCode", pairs: &i.EventCodes},
		{name: "effective", one: (*string)(&i.Effective), trimmed: true},
		{name: "onset", one: (*string)(&i.Onset), trimmed: true},
		{name: "expires", one: (*string)(&i.Expires), trimmed: true},
		{name: "senderName", one: &i.SenderName},
		{name: "headline", one: &i.Headline},
		{name: "description", one: &i.Description},
		{name: "instruction", one: &i.Instruction},
		{name: "web", one: &i.Web, trimmed: true},
		{name: "contact", one: &i.Contact},
		{name: "parameter", pairs: &i.Parameters},
		{name: "resource", resources: &i.Resources},
		{name: "area", areas: &i.Areas},
	}
}

func (p *Pair) fields() []field {
	return []field{{name: "valueName", one: &p.Name}, {name: "value", one: &p.Value}}
}

func (r *Resource) fields() []field {
	return []field{
		{name: "resourceDesc", one: &r.Description},
		{name: "mimeType", one: &r.MIMEType},
		{name: "size", one: &r.Size, trimmed: true},
		{name: "uri", one: &r.URI, trimmed: true},
		{name: "derefUri", one: &r.DerefURI, trimmed: true},
		{name: "digest", one: &r.Digest, trimmed: true},
	}
}

func (a *Area) fields() []field {
	return []field{
		{name: "areaDesc", one: &a.Description},
		{name: "polygon", many: &a.Polygons},
		{name: "circle", many: &a.Circles},
		{name: "geocode", pairs: &a.Geocodes},
		{name: "altitude", one: &a.Altitude, trimmed: true},
		{name: "ceiling", one: &a.Ceiling, trimmed: true},
	}
}

// texts and codes turn a list of codes into a list of texts and back.
func texts[T ~string](codes []T) []string {
	var list []string
	for _, code := range codes {
		list = append(list, string(code))
	}
	return list
}

func codes[T ~string](list []string) []T {
	var codes []T
	for _, text := range list {
		codes = append(codes, T(text))
	}
	return codes
}
