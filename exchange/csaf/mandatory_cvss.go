package csaf

import (
	"math"
	"strconv"

	"tocsin/exchange/cvss"
)

// CVSS: §6.1.7, 6.1.9 and 6.1.10. What the schema of CVSS asks, §6.1.8, is asked with
// the tables.

// repeatedScore is §6.1.7.
func repeatedScore(c *checker) {
	type judged struct{ product, version, source string }
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		metrics := v.metrics()
		if len(metrics) < 2 {
			continue
		}
		seen := map[judged]bool{}
		for _, m := range metrics {
			for _, score := range m.scored() {
				for _, id := range texts(m.get("products")) {
					key := judged{id, score.sub("version"), m.source}
					if seen[key] {
						c.fail(score, "the product %s has a second score of CVSS %s", shown(id), key.version)
					}
					seen[key] = true
				}
			}
		}
	}
}

// wrongScore is §6.1.9. The vector is what counts.
func wrongScore(c *checker) {
	for _, n := range c.cvss {
		v, err := cvss.Parse(n.sub("vectorString"))
		if err != nil {
			if n.get("vectorString") != nil {
				c.fail(n.get("vectorString"), "no score can be computed: %v", err)
			}
			continue
		}
		base := v.Base
		if v.Version() == "4.0" {
			base = v.Score // 4.0 has one score; it stands under this name
		}
		c.compareScore(n, "base", base)
		c.compareScore(n, "temporal", v.Temporal)
		c.compareScore(n, "environmental", v.Environmental)
	}
}

func (c *checker) compareScore(n *node, kind string, compute func() float64) {
	score, word := n.get(kind+"Score"), n.get(kind+"Severity")
	if score == nil && word == nil {
		return
	}
	want := compute()
	if score != nil && score.kind == number {
		const near = 1e-6
		if got, err := strconv.ParseFloat(score.text, 64); err == nil && math.Abs(got-want) > near {
			c.fail(score, "the score is %s, and the vector's is %.1f", shown(score.text), want)
		}
	}
	if word != nil && word.str() != cvss.Severity(want) {
		c.fail(word, "the severity is %s, and the vector's is %s", shown(word.str()), cvss.Severity(want))
	}
}

// inconsistentCVSS is §6.1.10.
func inconsistentCVSS(c *checker) {
	for _, n := range c.cvss {
		table := map[string]string{"cvss_v2": "2.0", "cvss_v3": "3", "cvss_v4": "4.0"}[n.name]
		v, err := cvss.Parse(n.sub("vectorString"))
		if err != nil {
			continue
		}
		if said := n.get("version"); said.str() != v.Version() {
			c.fail(said, "the version is %s, and the vector's is %s", shown(said.str()), v.Version())
		}
		const plain = 4 // names of an object that has no properties beside the vector
		if len(n.kids) <= plain {
			continue
		}
		for _, p := range cvssProperties()[table] {
			said := n.get(p.name)
			if said == nil || !v.Has(p.metric) {
				continue // a vector that says nothing contradicts nothing
			}
			if letter, ok := p.letters[said.str()]; ok && letter != v.Metric(p.metric) {
				c.fail(said, "%s contradicts %s:%s of the vector", shown(said.str()), p.metric, v.Metric(p.metric))
			}
		}
	}
}
