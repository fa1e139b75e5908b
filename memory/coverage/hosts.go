package coverage

import (
	"cmp"
	"net/netip"
	"slices"

	"tocsin/intel"
)

// The rule of which hosts count stands in carriers.yaml, at "sensors".

// isSensor reports whether a log source speaks of what others do.
func (r *Rules) isSensor(l intel.LogSource) bool {
	return !slices.Contains(r.endpoints, l.Product) && slices.ContainsFunc(r.sensors, func(s sensor) bool { return fits(intel.LogSource(s.Log), l) })
}

// endpointsTell reports whether machines tell what is asked about themselves.
func (r *Rules) endpointsTell(q *Question) bool {
	if q.byRule() {
		return !r.isSensor(q.LogSource)
	}
	return slices.ContainsFunc(r.carriers, func(c carrier) bool {
		return slices.Contains(c.Kinds, kindName{q.kind()}) && !r.isSensor(intel.LogSource(c.Log))
	})
}

// counts reports whether a host that a log source speaks of counts.
func (d *decision) counts(l intel.LogSource) bool {
	if !d.rules.isSensor(l) {
		return d.endpoints
	}
	_, carries := d.rules.gapOf(d.question, l)
	return carries
}

// hostOf is the host that a presence is of. A source that names none is a host
// itself, and so is a sensor that names an address.
func (r *Rules) hostOf(p *intel.Presence) string {
	if _, err := netip.ParseAddr(p.Host); err == nil && r.isSensor(p.LogSource) {
		return p.Source
	}
	return cmp.Or(p.Host, p.Source)
}
